import {
  type CallTree,
  coloursOf,
  type FlameColours,
  NO_FRAME,
  type Theme,
  withChange,
} from '@bunsen/profile';
import { type Emphasis, emphasise } from './emphasis.ts';
import { listenToInput } from './flame-input.ts';
import { FrameLabels } from './frame-labels.ts';
import { firstCellEndingAfter, nodeAt } from './hit-test.ts';
import { extentOf, type FlameLayout, layoutFlame } from './layout.ts';
import { paintRows } from './raster.ts';
import { panSpan, type Span, spanBetween, zoomSpan } from './view-motion.ts';
import { type Direction, step } from './walk.ts';

/** Height of a level in CSS pixels. */
export const ROW_HEIGHT = 18;
const ZOOM_MS = 180;
/** Cells narrower than this get no text. CSS pixels. */
const MIN_LABEL_WIDTH = 26;
/** Device pixels that every browser's canvas can be high. */
const MAX_PICTURE_HEIGHT = 16_384;

/** A node that somebody points at, and where on the page: pixels from its top left corner. */
export interface Pointed {
  node: number;
  x: number;
  y: number;
  by: 'pointer' | 'keyboard';
}

export interface FlameGraphOptions {
  /** A node is pointed at; null when none is any more. */
  onPoint(pointed: Pointed | null): void;
  /** The user zoomed to a node; 0 is the whole graph. */
  onZoom(node: number): void;
  /** The user asks what can be done with a node: right click, or the menu key. */
  onMenu(pointed: Pointed): void;
}

/**
 * A flame graph in `host`, root on top. The host scrolls; the canvas is as large as what is in sight
 * and sticks there, so a stack of any depth costs the same. Hovering moves a box above the canvas and
 * paints nothing.
 */
export class FlameGraph {
  /** How long painting took, for benchmarks. */
  readonly paints = { count: 0, totalMs: 0, maxMs: 0 };
  readonly #host: HTMLElement;
  readonly #options: FlameGraphOptions;
  readonly #track = document.createElement('div');
  readonly #canvas = document.createElement('canvas');
  readonly #context: CanvasRenderingContext2D;
  readonly #names: FrameLabels;
  readonly #box = document.createElement('div');
  readonly #resize: ResizeObserver;
  readonly #stopListening: () => void;
  readonly #labels: number[] = [];
  #layout: FlameLayout = layoutFlame(EMPTY_TREE);
  #change: Float32Array | null = null;
  #theme: Theme = 'light';
  #colours: FlameColours = coloursOf(new Uint8Array(0), 'light');
  #emphasis: Emphasis | null = null;
  #image = new ImageData(1, 1);
  #scale = 1; // device pixels a CSS pixel
  #span: Span = { from: 0, until: 1 };
  #focus = 0;
  #pointed = -1;
  #frameRequest = 0;
  #zoomRequest = 0;

  constructor(host: HTMLElement, options: FlameGraphOptions) {
    this.#host = host;
    this.#options = options;
    const context = this.#canvas.getContext('2d', { alpha: false });
    if (!context) throw new Error('this browser gives no 2D canvas');
    this.#context = context;
    this.#names = new FrameLabels(context, this.#layout);
    Object.assign(host.style, { position: 'relative', overflow: 'hidden auto' });
    Object.assign(this.#track.style, { position: 'relative', minHeight: '100%' });
    Object.assign(this.#canvas.style, { position: 'sticky', top: '0', display: 'block' });
    Object.assign(this.#box.style, {
      position: 'absolute',
      top: '0',
      left: '0',
      height: `${ROW_HEIGHT - 1}px`,
      pointerEvents: 'none',
      boxSizing: 'border-box',
      display: 'none',
    });
    this.#box.className = 'flame-pointed';
    this.#canvas.setAttribute('aria-hidden', 'true');
    this.#canvas.dataset['flame'] = '';
    this.#track.append(this.#canvas, this.#box);
    host.append(this.#track);
    this.#resize = new ResizeObserver(() => this.#fit());
    this.#resize.observe(host);
    this.#stopListening = listenToInput(host, this);
  }

  destroy(): void {
    this.#resize.disconnect();
    this.#stopListening();
    cancelAnimationFrame(this.#frameRequest);
    cancelAnimationFrame(this.#zoomRequest);
    this.#track.remove();
  }

  /**
   * What is in sight with all of its levels, also those that are scrolled away: a picture of the size
   * of the screen's pixels, cut off where a canvas ends.
   */
  picture(): HTMLCanvasElement {
    const rowHeight = ROW_HEIGHT * this.#scale;
    const levels = levelsIn(this.#layout, this.#span);
    const canvas = document.createElement('canvas');
    canvas.width = this.#canvas.width;
    canvas.height = Math.min(MAX_PICTURE_HEIGHT, Math.ceil(levels * rowHeight));
    const context = canvas.getContext('2d', { alpha: false });
    if (!context) throw new Error('this browser gives no 2D canvas');
    const names = new FrameLabels(context, this.#layout);
    names.setLayout(this.#layout, this.#change);
    names.setScale(this.#scale);
    this.#paintOn(context, names, context.createImageData(canvas.width, canvas.height), 0);
    return canvas;
  }

  /** The node that the graph is zoomed to. */
  get focus(): number {
    return this.#focus;
  }

  /**
   * Shows another tree, zoomed to `focus` from the start.
   * @param change per node, -1 to 1: what a comparison is coloured by; null for none
   */
  setLayout(layout: FlameLayout, focus = 0, change: Float32Array | null = null): void {
    this.#layout = layout;
    this.#change = change;
    this.#colour();
    this.#names.setLayout(layout, change);
    this.#emphasis = null;
    cancelAnimationFrame(this.#zoomRequest);
    const isOther = focus !== this.#focus;
    this.#focus = focus;
    this.#span = this.#spanOf(focus);
    this.point(null);
    this.#fit();
    if (isOther) this.#reveal(focus);
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
    this.#colour();
    this.requestPaint();
  }

  #colour(): void {
    const colours = coloursOf(this.#layout.swatches, this.#theme);
    this.#colours = this.#change ? withChange(colours, this.#change, this.#theme) : colours;
  }

  /** @param marked per frame of the tree: 1 to make it stand out; null for no emphasis */
  setEmphasis(marked: Uint8Array | null): void {
    this.#emphasis = marked && emphasise(this.#layout, marked);
    this.requestPaint();
  }

  /** Zooms to a node without telling `onZoom`. Jumps if the system asks for reduced motion. */
  zoomTo(node: number): void {
    this.#focus = node;
    this.#reveal(node);
    const start = this.#span;
    const end = this.#spanOf(node);
    cancelAnimationFrame(this.#zoomRequest);
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
      this.#span = end;
      this.requestPaint();
      return;
    }
    const startedAt = performance.now();
    const advance = () => {
      const progress = Math.min(1, (performance.now() - startedAt) / ZOOM_MS);
      this.#span = spanBetween(start, end, progress);
      this.#paint();
      if (progress < 1) this.#zoomRequest = requestAnimationFrame(advance);
    };
    this.#zoomRequest = requestAnimationFrame(advance);
  }

  /** Zooms on the user's behalf; the whole graph also scrolls back to its top. */
  chooseZoom(node: number): void {
    this.zoomTo(node);
    if (node === 0) this.#host.scrollTop = 0;
    this.#options.onZoom(node);
  }

  /** Zooms about a place on the page; 0.5 doubles what is in sight's scale. */
  zoomAt(clientX: number, factor: number): void {
    const { left, width } = this.#canvas.getBoundingClientRect();
    this.#moveTo(zoomSpan(this.#span, factor, (clientX - left) / width, this.#total));
  }

  /** Moves what is in sight by CSS pixels. */
  panBy(dx: number, dy: number): void {
    this.#host.scrollTop += dy;
    if (dx === 0) return;
    const perPixel = (this.#span.until - this.#span.from) / this.#canvas.clientWidth;
    this.#moveTo(panSpan(this.#span, dx * perPixel, this.#total));
  }

  /** The node at a place on the page, or -1. */
  nodeAtPoint(clientX: number, clientY: number): number {
    const { left, top, width } = this.#canvas.getBoundingClientRect();
    const level = Math.floor((clientY - top + this.#host.scrollTop) / ROW_HEIGHT);
    const { from, until } = this.#span;
    return nodeAt(this.#layout, level, from + ((clientX - left) / width) * (until - from));
  }

  /** Points at a node, or at none. */
  point(pointed: Pointed | null): void {
    this.#pointed = pointed?.node ?? -1;
    this.#placeBox();
    this.#options.onPoint(pointed);
  }

  /** Moves the keyboard's cursor, which starts at the node that is pointed at or zoomed to. */
  walk(direction: Direction): void {
    const at = this.#pointed;
    const node = at < 0 ? this.#focus : step(this.#layout, at, direction);
    const { start, end } = extentOf(this.#layout, node);
    if (start >= this.#span.until || end <= this.#span.from) return;
    this.#reveal(node);
    this.#pointed = node;
    this.#placeBox();
    const box = this.#box.getBoundingClientRect();
    this.point({ node, x: box.left, y: box.bottom, by: 'keyboard' });
  }

  /** Scrolls to the level of a node if it is not in sight, with one more below it. */
  #reveal(node: number): void {
    const top = (this.#layout.tree.depth[node] as number) * ROW_HEIGHT;
    const { scrollTop, clientHeight } = this.#host;
    if (top < scrollTop) this.#host.scrollTop = top;
    if (top + 2 * ROW_HEIGHT > scrollTop + clientHeight) {
      this.#host.scrollTop = top + 2 * ROW_HEIGHT - clientHeight;
    }
  }

  /** Zooms to the node that is pointed at. */
  zoomToPointed(): void {
    if (this.#pointed >= 0) this.chooseZoom(this.#pointed);
  }

  openMenu(clientX: number, clientY: number): void {
    const node = this.nodeAtPoint(clientX, clientY);
    if (node >= 0) this.#options.onMenu({ node, x: clientX, y: clientY, by: 'pointer' });
  }

  get #total(): number {
    return this.#layout.cellEnd[0] || 1;
  }

  #spanOf(node: number): Span {
    if (node === 0) return { from: 0, until: this.#total };
    const { start, end } = extentOf(this.#layout, node);
    return end > start ? { from: start, until: end } : { from: 0, until: this.#total };
  }

  #moveTo(span: Span): void {
    cancelAnimationFrame(this.#zoomRequest);
    this.#span = span;
    this.requestPaint();
  }

  /** Makes canvas and track as large as host and tree want them. */
  #fit(): void {
    const width = this.#host.clientWidth;
    const height = this.#host.clientHeight;
    if (width === 0 || height === 0) return;
    this.#track.style.height = `${Math.max(height, this.#layout.levels * ROW_HEIGHT + 4)}px`;
    const innerWidth = this.#host.clientWidth; // less by a scroll bar that has just appeared
    this.#scale = window.devicePixelRatio || 1;
    const deviceWidth = Math.max(1, Math.round(innerWidth * this.#scale));
    const deviceHeight = Math.max(1, Math.round(height * this.#scale));
    if (this.#canvas.width !== deviceWidth || this.#canvas.height !== deviceHeight) {
      this.#canvas.width = deviceWidth;
      this.#canvas.height = deviceHeight;
      this.#canvas.style.width = `${innerWidth}px`;
      this.#canvas.style.height = `${height}px`;
      this.#image = this.#context.createImageData(deviceWidth, deviceHeight);
      if (this.#pointed >= 0) this.point(null); // what was said of it stands somewhere else now
    }
    this.#names.setScale(this.#scale);
    this.#paint();
  }

  /** Paints with the next frame, once, however often it is asked to. */
  requestPaint(): void {
    this.#frameRequest ||= requestAnimationFrame(() => {
      this.#frameRequest = 0;
      this.#paint();
    });
  }

  #paint(): void {
    const startedAt = performance.now();
    const top = Math.round(this.#host.scrollTop * this.#scale);
    this.#paintOn(this.#context, this.#names, this.#image, top);
    this.#placeBox();
    const ms = performance.now() - startedAt;
    this.paints.count++;
    this.paints.totalMs += ms;
    this.paints.maxMs = Math.max(this.paints.maxMs, ms);
  }

  #paintOn(
    context: CanvasRenderingContext2D,
    names: FrameLabels,
    image: ImageData,
    top: number,
  ): void {
    const { width, height, data } = image;
    const rowHeight = ROW_HEIGHT * this.#scale;
    const { from, until } = this.#span;
    paintRows(
      { pixels: new Uint32Array(data.buffer), width, height },
      this.#layout,
      { from, until, top, rowHeight },
      this.#colours,
      this.#emphasis,
      MIN_LABEL_WIDTH * this.#scale,
      this.#labels,
    );
    context.putImageData(image, 0, 0);
    names.write(this.#labels, rowHeight, this.#colours, this.#emphasis);
  }

  #placeBox(): void {
    if (this.#pointed < 0) {
      this.#box.style.display = 'none';
      return;
    }
    const { start, end } = extentOf(this.#layout, this.#pointed);
    const { from, until } = this.#span;
    const perUnit = this.#canvas.clientWidth / (until - from);
    const left = Math.max(0, (start - from) * perUnit);
    const right = Math.min(this.#canvas.clientWidth, (end - from) * perUnit);
    const top = (this.#layout.tree.depth[this.#pointed] as number) * ROW_HEIGHT;
    Object.assign(this.#box.style, {
      display: right < left ? 'none' : 'block',
      width: `${Math.max(2, right - left)}px`,
      transform: `translate(${left}px, ${top}px)`,
    });
  }
}

/** How many levels have a cell in a span: all above it, too. */
function levelsIn({ levels, levelOffsets, cellStart, cellEnd }: FlameLayout, span: Span): number {
  for (let level = levels - 1; level > 0; level--) {
    const end = levelOffsets[level + 1] as number;
    const cell = firstCellEndingAfter(cellEnd, levelOffsets[level] as number, end, span.from);
    if (cell < end && (cellStart[cell] as number) < span.until) return level + 1;
  }
  return 1;
}

const EMPTY_TREE: CallTree = {
  frames: [],
  frame: Uint32Array.of(NO_FRAME),
  depth: Uint32Array.of(0),
  self: Float64Array.of(0),
  total: Float64Array.of(0),
};
