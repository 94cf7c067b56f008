import type { FlameLayout, Pointed } from '@bunsen/flame';
import { functionOfFrame, OTHER_FRAME, parseFrame } from '@bunsen/profile';
import { useEffect, useRef } from 'react';
import { navigate } from 'wouter/use-browser-location';
import { updateViewState } from '../url/use-view-state.ts';
import type { Step } from '../url/view-state.ts';
import { frameText, stackText } from './frame-facts.ts';
import styles from './frame-menu.module.css';
import { useFunctionUrl } from './function-link.tsx';

/** What can be done with a node: opened by a right click on it. */
export default function FrameMenu(props: {
  layout: FlameLayout;
  pointed: Pointed;
  onZoom: (node: number) => void;
  /** Changes what is drawn, where the page can. */
  onStep?: ((step: Step) => void) | undefined;
  close: () => void;
}) {
  const { layout, pointed, onZoom, onStep, close } = props;
  const menu = useRef<HTMLDivElement>(null);
  const text = frameText(layout, pointed.node);
  const { name, module } = parseFrame(text);
  const urlOf = useFunctionUrl();

  useEffect(() => {
    const element = menu.current;
    if (!element) return;
    const { clientWidth, clientHeight } = document.documentElement;
    element.style.left = `${Math.min(pointed.x, clientWidth - element.offsetWidth - 8)}px`;
    element.style.top = `${Math.min(pointed.y, clientHeight - element.offsetHeight - 8)}px`;
    element.querySelector('button')?.focus();
    const onPointerDown = (event: PointerEvent) => {
      if (!element.contains(event.target as Node)) close();
    };
    document.addEventListener('pointerdown', onPointerDown);
    return () => document.removeEventListener('pointerdown', onPointerDown);
  }, [pointed, close]);

  const fn = functionOfFrame(text);
  const items: [label: string, action: () => void][] = [
    ['Zoom to this frame', () => onZoom(pointed.node)],
  ];
  if (text !== '') {
    items.push(
      ['Copy name', () => void navigator.clipboard?.writeText(name)],
      ['Copy stack', () => void navigator.clipboard?.writeText(stackText(layout, pointed.node))],
      ['Show everywhere', () => updateViewState({ fn })],
    );
    if (text !== OTHER_FRAME) {
      items.push(
        ['What calls it', () => navigate(urlOf(fn, { direction: 'callers', sort: 'total' }))],
        ['Page of this function', () => navigate(urlOf(fn))],
      );
    }
    if (onStep) {
      items.push(
        ['Only stacks with it', () => onStep({ kind: 'focus', key: fn })],
        ['Only stacks without it', () => onStep({ kind: 'ignore', key: fn })],
        ['Hide its frames', () => onStep({ kind: 'hide', key: fn })],
      );
      if (module !== '') {
        items.push([`Collapse ${module}`, () => onStep({ kind: 'collapse', key: module })]);
      }
    }
  }
  const moveFocus = (by: number) => {
    const buttons = Array.from(menu.current?.querySelectorAll('button') ?? []);
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    buttons[(at + by + buttons.length) % buttons.length]?.focus();
  };
  return (
    <div
      ref={menu}
      className={styles.menu}
      role="menu"
      tabIndex={-1}
      aria-label={name || 'all'}
      onKeyDown={(event) => {
        if (event.key === 'Escape') close();
        else if (event.key === 'ArrowDown') moveFocus(1);
        else if (event.key === 'ArrowUp') moveFocus(-1);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      {items.map(([label, action]) => (
        <button
          key={label}
          type="button"
          role="menuitem"
          onClick={() => {
            action();
            close();
          }}
        >
          {label}
        </button>
      ))}
    </div>
  );
}
