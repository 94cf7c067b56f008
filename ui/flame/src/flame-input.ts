import type { Direction } from './walk.ts';

/** What input does to a graph. */
export interface InputTarget {
  requestPaint(): void;
  zoomAt(clientX: number, factor: number): void;
  panBy(dx: number, dy: number): void;
  nodeAtPoint(clientX: number, clientY: number): number;
  point(pointed: { node: number; x: number; y: number; by: 'pointer' } | null): void;
  chooseZoom(node: number): void;
  zoomToPointed(): void;
  walk(direction: Direction): void;
  openMenu(clientX: number, clientY: number): void;
}

/** A press that moves further than this is a drag, not a click. CSS pixels. */
const DRAG_DISTANCE = 4;

const ARROWS: Record<string, Direction> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
};

/**
 * Pointer, wheel and keys of a graph. The plain wheel scrolls through the levels and leaves the page
 * alone only while there is something to scroll; with Ctrl (a pinch on a touchpad says the same) it
 * zooms; sideways or with Shift it pans. Dragging pans both ways.
 * @returns stops listening
 */
export function listenToInput(host: HTMLElement, target: InputTarget): () => void {
  const controller = new AbortController();
  const { signal } = controller;
  let press: { x: number; y: number; dragging: boolean } | null = null;
  let over: { x: number; y: number } | null = null; // where the pointer rests

  const pointAt = (x: number, y: number) => {
    const node = target.nodeAtPoint(x, y);
    target.point(node < 0 ? null : { node, x, y, by: 'pointer' });
  };

  host.addEventListener(
    'scroll',
    () => {
      target.requestPaint();
      if (over) pointAt(over.x, over.y);
    },
    { signal, passive: true },
  );

  host.addEventListener(
    'wheel',
    (event) => {
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        target.zoomAt(event.clientX, 2 ** (clamp(event.deltaY, 100) / 200));
      } else if (Math.abs(sideways) > (event.shiftKey ? 0 : Math.abs(event.deltaY))) {
        event.preventDefault();
        target.panBy(sideways, 0);
      }
    },
    { signal, passive: false },
  );

  host.addEventListener(
    'pointerdown',
    (event) => {
      if (event.button !== 0) return;
      press = { x: event.clientX, y: event.clientY, dragging: false };
    },
    { signal },
  );

  host.addEventListener(
    'pointermove',
    (event) => {
      if (press && event.buttons & 1 && event.pointerType === 'mouse') {
        const dx = event.clientX - press.x;
        const dy = event.clientY - press.y;
        if (press.dragging || Math.hypot(dx, dy) > DRAG_DISTANCE) {
          // Captured only now: a captured pointer's click would not reach what it was made on.
          if (!press.dragging) host.setPointerCapture(event.pointerId);
          press = { x: event.clientX, y: event.clientY, dragging: true };
          over = null;
          target.point(null);
          target.panBy(-dx, -dy);
          return;
        }
      }
      over = { x: event.clientX, y: event.clientY };
      pointAt(over.x, over.y);
    },
    { signal },
  );

  host.addEventListener(
    'pointerleave',
    () => {
      over = null;
      target.point(null);
    },
    { signal },
  );

  host.addEventListener(
    'click',
    (event) => {
      const dragged = press?.dragging;
      press = null;
      if (dragged) return;
      const node = target.nodeAtPoint(event.clientX, event.clientY);
      if (node < 0) return;
      target.point(null); // what is said about the node must not hide what is below it
      target.chooseZoom(node);
    },
    { signal },
  );

  host.addEventListener(
    'contextmenu',
    (event) => {
      event.preventDefault();
      target.openMenu(event.clientX, event.clientY);
    },
    { signal },
  );

  host.addEventListener(
    'keydown',
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      over = null; // from here on the keyboard says what is pointed at
      const direction = ARROWS[event.key];
      if (direction) target.walk(direction);
      else if (event.key === 'Enter' || event.key === ' ') target.zoomToPointed();
      else return;
      event.preventDefault();
    },
    { signal },
  );

  return () => controller.abort();
}

function clamp(value: number, limit: number): number {
  return Math.max(-limit, Math.min(limit, value));
}
