import { lazy, Suspense, useEffect, useState } from 'react';
import { useClock } from './time/range-context.tsx';

const Palette = lazy(() => import('./palette/palette.tsx'));
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
      {open === 'palette' && range && <Palette onClose={close} />}
      {open === 'keys' && <KeysDialog onClose={close} />}
    </Suspense>
  );
}
