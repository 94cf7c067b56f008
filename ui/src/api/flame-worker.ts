import { prepareFlame, transferablesOf } from '@bunsen/flame';
import type { FromFlameWorker, ToFlameWorker } from './flame-loader.ts';

// Compiled with the page's DOM types, which say nothing of a worker's own postMessage.
const scope = self as unknown as {
  onmessage: (event: MessageEvent<ToFlameWorker>) => void;
  postMessage(message: FromFlameWorker, transfer: Transferable[]): void;
};

scope.onmessage = ({ data: { id, bytes } }) => {
  try {
    const flame = prepareFlame(bytes);
    scope.postMessage({ id, flame }, transferablesOf(flame));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    scope.postMessage({ id, message }, []);
  }
};
