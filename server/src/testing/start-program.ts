import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Started {
  /** Ends it at once. */
  stop: () => Promise<void>;
}

/**
 * Starts a server and waits until it answers.
 * @param options.readyUrl answers 200 from then on
 * @param options.env instead of this process's own
 * @throws Error with what it said, if it ends or does not answer within `options.seconds`
 */
export async function startProgram(
  command: string,
  args: string[],
  options: { readyUrl: string; seconds: number; env?: NodeJS.ProcessEnv },
): Promise<Started> {
  const { readyUrl, seconds, env = process.env } = options;
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (let tries = 0; ; tries++) {
    const answer = await fetch(readyUrl).catch(() => undefined);
    if (answer?.ok) break;
    if (child.exitCode !== null || tries === seconds * 10) {
      throw new Error(`it does not start: ${said}`);
    }
    await sleep(100);
  }
  return {
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
