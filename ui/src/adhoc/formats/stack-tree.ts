import { type StackColumns, StackColumnsBuilder } from '@bunsen/profile';

export const ROOT = 0;

/** Stacks as a tree while they are read: files whose stacks share their upper part. */
export class StackTree {
  readonly #parents = [-1];
  readonly #frames = [-1];
  readonly #values = [0];
  readonly #children = new Map<string, number>();

  /** @param frame any number that names it */
  child(parent: number, frame: number): number {
    const key = `${parent} ${frame}`;
    let node = this.#children.get(key);
    if (node === undefined) {
      node = this.#parents.push(parent) - 1;
      this.#frames.push(frame);
      this.#values.push(0);
      this.#children.set(key, node);
    }
    return node;
  }

  parentOf(node: number): number {
    return this.#parents[node] as number;
  }

  frameOf(node: number): number {
    return this.#frames[node] as number;
  }

  add(node: number, value: number): void {
    this.#values[node] = (this.#values[node] as number) + value;
  }

  /** @param frameText the stored form of a frame by its number */
  stacks(frameText: (frame: number) => string): { stacks: StackColumns; values: Float64Array } {
    const builder = new StackColumnsBuilder();
    const values: number[] = [];
    this.#values.forEach((value, node) => {
      if (value === 0) return;
      for (let at = node; at !== ROOT; at = this.parentOf(at)) {
        builder.push(builder.frameId(frameText(this.frameOf(at))));
      }
      builder.endReversedStack();
      values.push(value);
    });
    return { stacks: builder.build(), values: Float64Array.from(values) };
  }
}
