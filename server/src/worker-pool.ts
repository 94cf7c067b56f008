import { once } from 'node:events';
import { Piscina } from 'piscina';

export interface WorkerPoolOptions {
  filename: string;
  minThreads: number;
  maxThreads: number;
  resourceLimits?: { maxOldGenerationSizeMb: number };
}

/** A pool of threads that ends safely. */
export class WorkerPool<Task = unknown, Result = unknown> extends Piscina<Task, Result> {
  readonly #loaded: Promise<unknown>;

  constructor(options: WorkerPoolOptions) {
    super({ idleTimeout: 30_000, ...options });
    // That it failed is told to whoever gives it work.
    this.#loaded =
      options.minThreads > 0 ? once(this, 'workerCreate').catch(() => {}) : Promise.resolve();
  }

  /**
   * Ends all threads; work that waits is given up. The first one is loaded before: a thread that is
   * ended while it loads its modules takes the whole process with it (`v8::Module::IsGraphAsync must
   * be used on an instantiated module`, Node 20), as a server did that was stopped right after its start.
   */
  async end(): Promise<void> {
    await this.#loaded;
    await this.close({ force: true });
  }
}
