import { on, once } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';

/** Merged stacks, of one side of a comparison, or of the only one. */
export interface StackPart {
  side: number;
  /** (frames, v) in Native format, in pieces that were cut anywhere. */
  native: Uint8Array<ArrayBuffer>[];
}

const END = 'end';
const TAKEN = 'taken';

/**
 * Hands parts to a worker as they come: while it takes in one, the next is fetched, and that is all
 * that waits. The first one is there before a worker is kept busy with it.
 * @param run begins the work on the other side of the channel: {@link receiveParts}
 * @returns what `run` does
 */
export async function sendParts<T>(
  parts: AsyncGenerator<StackPart>,
  run: (port: MessagePort) => Promise<T>,
): Promise<T> {
  let next = await parts.next();
  const { port1, port2 } = new MessageChannel();
  const done = run(port2);
  done.catch(() => {}); // whoever awaits it below is told
  try {
    while (!next.done) {
      const { side, native } = next.value;
      const taken = once(port1, 'message');
      port1.postMessage(
        { side, native },
        native.map(({ buffer }) => buffer),
      );
      [next] = await Promise.all([parts.next(), Promise.race([taken, done])]);
    }
    port1.postMessage(END);
    return await done;
  } finally {
    port1.close();
    parts.return(undefined).catch(() => {});
  }
}

/** @throws Error if the sender gave up: what came so far is not all. */
export async function* receiveParts(port: MessagePort): AsyncGenerator<StackPart> {
  try {
    for await (const [part] of on(port, 'message', { close: ['close'] })) {
      if (part === END) return;
      yield part as StackPart;
      port.postMessage(TAKEN);
    }
    throw new Error('the stacks ended before they were all there');
  } finally {
    port.close();
  }
}
