import { columnsOf } from '@bunsen/flame';
import { FileDesk } from './file-desk.ts';

/** A call of one of the desk's methods. */
export interface DeskCall {
  id: number;
  method: 'open' | 'close' | 'flame' | 'diff' | 'pprof';
  args: unknown[];
}

export type DeskReply = { id: number; result: unknown } | { id: number; message: string };

// Compiled with the page's DOM types, which say nothing of a worker's own postMessage.
const scope = self as unknown as {
  onmessage: (event: MessageEvent<DeskCall>) => void;
  postMessage(message: DeskReply, transfer: Transferable[]): void;
};

const desk = new FileDesk();

scope.onmessage = async ({ data: { id, method, args } }) => {
  try {
    const call = desk[method] as (...args: unknown[]) => unknown;
    const result = await call.apply(desk, args);
    scope.postMessage({ id, result }, columnsOf({ result }));
  } catch (error) {
    scope.postMessage({ id, message: error instanceof Error ? error.message : String(error) }, []);
  }
};
