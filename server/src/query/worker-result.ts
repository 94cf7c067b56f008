import { move } from 'piscina';
import { BunsenError, type ErrorCode } from '../errors.ts';

/** Errors cross threads as values: a thrown one would lose its class and its code. */
export type WorkerResult =
  | Uint8Array<ArrayBuffer>
  | { error: { code: ErrorCode; message: string } };

/** What a worker gives back: bytes, handed over and not copied, or the error that a client may see. */
export async function workerResult(
  encode: () => Uint8Array | Promise<Uint8Array>,
): Promise<WorkerResult> {
  try {
    return move((await encode()) as Uint8Array<ArrayBuffer>) as Uint8Array<ArrayBuffer>;
  } catch (error) {
    if (!(error instanceof BunsenError)) throw error;
    return { error: { code: error.code, message: error.message } };
  }
}
