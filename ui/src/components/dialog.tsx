import { type ReactNode, useEffect, useRef } from 'react';
import styles from './dialog.module.css';

/** A panel above the page that keeps the focus until it is closed: Escape, or a click beside it. */
export function Dialog(props: { label: string; onClose: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes, as in every dialog
    <dialog
      ref={dialog}
      className={styles.dialog}
      aria-label={props.label}
      onClose={props.onClose}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current.close();
      }}
    >
      <div className={styles.content}>{props.children}</div>
    </dialog>
  );
}
