import { type ReactNode, useEffect, useRef, useState } from 'react';
import styles from './popover.module.css';

/** A button that opens a panel below it. Escape, a click elsewhere or `close` shuts it again. */
export function Popover(props: {
  /** What the panel is about; stands before what the button shows where nothing is seen. */
  label: string;
  trigger: ReactNode;
  triggerClass?: string | undefined;
  align?: 'start' | 'end';
  children: (close: () => void) => ReactNode;
}) {
  const [isOpen, setIsOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    if (!isOpen) return;
    const onPointerDown = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) setIsOpen(false);
    };
    document.addEventListener('pointerdown', onPointerDown);
    return () => document.removeEventListener('pointerdown', onPointerDown);
  }, [isOpen]);

  const close = () => {
    setIsOpen(false);
    button.current?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes from any control inside
    <div
      ref={root}
      className={styles.root}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !isOpen || event.defaultPrevented) return;
        event.stopPropagation();
        close();
      }}
    >
      <button
        ref={button}
        type="button"
        className={props.triggerClass}
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        title={props.label}
        onClick={() => setIsOpen(!isOpen)}
      >
        <span className="visually-hidden">{props.label}: </span>
        {props.trigger}
      </button>
      {isOpen && (
        <div
          className={styles.panel}
          data-align={props.align ?? 'start'}
          role="dialog"
          aria-label={props.label}
        >
          {props.children(close)}
        </div>
      )}
    </div>
  );
}
