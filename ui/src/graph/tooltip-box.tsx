import type { Pointed } from '@bunsen/flame';
import { type ReactNode, useLayoutEffect, useRef } from 'react';
import styles from './tooltip-box.module.css';

const OFFSET = 14;

/** A box beside the pointer, or below what the keyboard points at, always inside of the window. */
export function TooltipBox({ pointed, children }: { pointed: Pointed; children: ReactNode }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const { offsetWidth, offsetHeight } = element;
    const { clientWidth, clientHeight } = document.documentElement;
    const right = pointed.x + OFFSET;
    const below = pointed.y + OFFSET;
    const x = right + offsetWidth + 8 > clientWidth ? pointed.x - offsetWidth - OFFSET : right;
    const y = below + offsetHeight + 8 > clientHeight ? pointed.y - offsetHeight - OFFSET : below;
    element.style.transform = `translate(${Math.max(8, x)}px, ${Math.max(8, y)}px)`;
  });
  return (
    <div
      ref={box}
      className={styles.tooltip}
      role={pointed.by === 'keyboard' ? 'status' : 'tooltip'}
    >
      {children}
    </div>
  );
}
