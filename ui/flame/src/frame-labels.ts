import {
  changeSign,
  type FlameColours,
  fitLabel,
  NO_FRAME,
  nameOfFrame,
  shortName,
} from '@bunsen/profile';
import type { Emphasis } from './emphasis.ts';
import type { FlameLayout } from './layout.ts';
import { LABEL_STRIDE } from './raster.ts';

const FONT_SIZE = 11;
const FONT = 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';
const PADDING = 4;
const ASCII = /^[ -~…−]*$/;
/** Characters as readers see them: an accent and its letter are one. */
const SEGMENTER = new Intl.Segmenter();

/** Writes the names of frames onto the cells that a raster has painted. */
export class FrameLabels {
  readonly #context: CanvasRenderingContext2D;
  #layout: FlameLayout;
  #change: Float32Array | null = null;
  #shortNames: (string | undefined)[] = [];
  #scale = 1; // device pixels a CSS pixel
  #charWidth = 7; // device pixels

  constructor(context: CanvasRenderingContext2D, layout: FlameLayout) {
    this.#context = context;
    this.#layout = layout;
  }

  /** @param change per node, of a comparison: its sign is written before the name */
  setLayout(layout: FlameLayout, change: Float32Array | null): void {
    this.#layout = layout;
    this.#change = change;
    this.#shortNames = new Array(layout.tree.frames.length);
  }

  /** To be called whenever the canvas has changed its size: that resets its font. */
  setScale(scale: number): void {
    this.#scale = scale;
    this.#context.font = `${FONT_SIZE * scale}px ${FONT}`;
    this.#context.textBaseline = 'middle';
    this.#context.direction = 'ltr';
    this.#charWidth = this.#context.measureText('0'.repeat(20)).width / 20;
  }

  /**
   * @param labels as `paintRows` lists them
   * @param rowHeight device pixels
   */
  write(
    labels: number[],
    rowHeight: number,
    colours: FlameColours,
    emphasis: Emphasis | null,
  ): void {
    const padding = PADDING * this.#scale;
    this.#context.fillStyle = colours.text;
    for (let at = 0; at < labels.length; at += LABEL_STRIDE) {
      const node = labels[at] as number;
      const frame = this.#layout.tree.frame[node] as number;
      const text = this.#textOf(node, frame, (labels[at + 3] as number) - 2 * padding);
      if (text === '') continue;
      if (emphasis) {
        const stands = frame !== NO_FRAME && emphasis.marked[frame] === 1;
        this.#context.fillStyle = stands ? colours.emphasisedText : colours.dimmedText;
      }
      this.#context.fillText(
        text,
        (labels[at + 1] as number) + padding,
        (labels[at + 2] as number) + rowHeight / 2,
      );
    }
  }

  #textOf(node: number, frame: number, width: number): string {
    const sign = this.#change ? changeSign(this.#change[node] as number) : '';
    const name = this.#nameOf(frame, width - (sign === '' ? 0 : 2 * this.#charWidth));
    return sign === '' || name === '' ? name : `${sign} ${name}`;
  }

  #nameOf(frame: number, width: number): string {
    const columns = Math.floor(width / this.#charWidth);
    if (frame === NO_FRAME) return columns >= 3 ? 'all' : '';
    const name = nameOfFrame(this.#layout.tree.frames[frame] as string);
    this.#shortNames[frame] ??= shortName(name);
    const text = fitLabel(name, this.#shortNames[frame], columns);
    return ASCII.test(text) ? text : this.#isolated(text, width);
  }

  /**
   * Only ASCII is sure to be as wide as the font says, and to run from left to right: everything else
   * is measured, and kept from turning round what stands beside it.
   */
  #isolated(text: string, width: number): string {
    const isolate = (cut: string) => `\u2068${cut}\u2069`;
    const fits = (cut: string) => this.#context.measureText(cut).width <= width;
    if (fits(isolate(text))) return isolate(text);
    const characters = Array.from(SEGMENTER.segment(text), ({ segment }) => segment);
    const cutTo = (length: number) => isolate(`${characters.slice(0, length).join('')}…`);
    let fitting = 0;
    for (let tooMany = characters.length; tooMany - fitting > 1; ) {
      const middle = (fitting + tooMany) >> 1;
      if (fits(cutTo(middle))) fitting = middle;
      else tooMany = middle;
    }
    return fitting === 0 ? '' : cutTo(fitting);
  }
}
