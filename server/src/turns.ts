import { setImmediate } from 'node:timers/promises';

/** How long what is done at once may take: others wait meanwhile. */
const TURN_MS = 10;

/** Takes turns with all else that this thread does, in a loop that may be long. */
export class Turns {
  #sinceMs = performance.now();

  /** To be asked often; then wait for {@link next}. */
  get isOver(): boolean {
    return performance.now() - this.#sinceMs > TURN_MS;
  }

  async next(): Promise<void> {
    await setImmediate();
    this.#sinceMs = performance.now();
  }
}
