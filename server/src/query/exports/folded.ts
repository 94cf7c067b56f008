import { type CallTree, nameOfFrame } from '@bunsen/profile';

/**
 * A frame as folded text can hold it: its function's name. What parts frames, `;`, becomes `:`, as
 * `stackcollapse-perf.pl` has it; blanks stay, since a line's value is what follows its last one.
 */
export function foldedFrame(frame: string): string {
  return nameOfFrame(frame).replaceAll(';', ':');
}

/**
 * Folded text: `main;handle;parse 12`, root first, a line a stack, in the type's unit.
 * @param tree of {@link foldedFrame}s: so no two lines have the same stack
 */
export function* foldedText({ frames, frame, depth, self }: CallTree): Generator<string> {
  const path: string[] = [];
  for (let node = 1; node < depth.length; node++) {
    path.length = (depth[node] as number) - 1;
    path.push(frames[frame[node] as number] as string);
    // By way of a bigint: a large double would be written with an exponent.
    if (self[node] !== 0) yield `${path.join(';')} ${BigInt(self[node] as number)}\n`;
  }
}
