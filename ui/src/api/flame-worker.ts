import { columnsOf } from '@bunsen/flame';
import type { FromFlameWorker, ToFlameWorker } from './flame-loader.ts';
import { LOADERS } from './loaders.ts';

// Compiled with the page's DOM types, which say nothing of a worker's own postMessage.
const scope = self as unknown as {
  onmessage: (event: MessageEvent<ToFlameWorker>) => void;
  postMessage(message: FromFlameWorker, transfer: Transferable[]): void;
};

scope.onmessage = ({ data: { id, kind, bytes } }) => {
  try {
    const loaded = LOADERS[kind](bytes);
    scope.postMessage({ id, loaded }, columnsOf(loaded));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    scope.postMessage({ id, message }, []);
  }
};
