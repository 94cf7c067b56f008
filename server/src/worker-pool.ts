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
    // A thread's first message says that it is loaded; the pool itself takes that for granted of these.
    this.#loaded = Promise.all(
      this.threads.map((thread) => Promise.race([once(thread, 'message'), once(thread, 'exit')])),
    ).catch(() => {}); // that it failed is told to whoever gives it work
  }

  /**
   * Ends all threads; work that waits is given up. The first ones are loaded before: a thread that is
   * ended while it loads its modules takes the whole process with it (`v8::Module::IsGraphAsync must
   * be used on an instantiated module`, Node 20), as a server did that was stopped right after its start.
   */
  async end(): Promise<void> {
    await this.#loaded;
    await this.close({ force: true });
  }
}
