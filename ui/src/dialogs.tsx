import { type ComponentType, lazy, Suspense, useEffect, useState } from 'react';
import { useAtRest } from './components/use-at-rest.ts';
import { useClock } from './time/range-context.tsx';

const KeysDialog = lazy(() => import('./help/keys-dialog.tsx'));

export type DialogName = 'palette' | 'keys';

const OPEN = 'bunsen-dialog';

/** Opens a dialog from anywhere on the page. */
export function openDialog(name: DialogName): void {
  document.dispatchEvent(new CustomEvent(OPEN, { detail: name }));
}

/** The dialogs that every page has, and their keys. */
export function Dialogs() {
  const [open, setOpen] = useState<DialogName | null>(null);
  const { range } = useClock();
  const Palette = usePalette(open === 'palette');
  useEffect(() => {
    const onOpen = (event: Event) => setOpen((event as CustomEvent<DialogName>).detail);
    const onKeyDown = (event: KeyboardEvent) => {
      const isPalette = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k';
      const typing = (event.target as Element).closest?.('input, select, dialog');
      if (isPalette) setOpen('palette');
      else if (event.key === '?' && !typing) setOpen('keys');
      else return;
      event.preventDefault();
    };
    document.addEventListener(OPEN, onOpen);
    document.addEventListener('keydown', onKeyDown);
    return () => {
      document.removeEventListener(OPEN, onOpen);
      document.removeEventListener('keydown', onKeyDown);
    };
  }, []);
  const close = () => setOpen(null);
  return (
    <Suspense fallback={null}>
      {open === 'palette' && range && Palette && <Palette onClose={close} />}
      {open === 'keys' && <KeysDialog onClose={close} />}
    </Suspense>
  );
}

/**
 * Fetched at rest, and not by `lazy`, which would show it a while after it is opened even then: letters
 * that are typed right after Ctrl-K would be lost.
 */
function usePalette(isWanted: boolean): ComponentType<{ onClose: () => void }> | null {
  const [Palette, setPalette] = useState<ComponentType<{ onClose: () => void }> | null>(null);
  const atRest = useAtRest();
  useEffect(() => {
    if (Palette || !(atRest || isWanted)) return;
    import('./palette/palette.tsx').then(
      (module) => setPalette(() => module.default),
      (error: unknown) => {
        // The page's error boundary shows it, once somebody wants the palette.
        if (isWanted)
          setPalette(() => {
            throw error;
          });
      },
    );
  }, [Palette, atRest, isWanted]);
  return Palette;
}
