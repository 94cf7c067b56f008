import { type CallTree, NO_FRAME, nameOfFrame } from '@bunsen/profile';

/** Lines a part has: a string of all lines could pass the longest that there is. */
const PART_LINES = 10_000;

/**
 * A tree as folded text, `main;handle;parse 12` a line, in parts to be put together. Of a comparison
 * each line has a value a side. A `;` in a name becomes `:`, as in what the server exports.
 * @param selves a column of selves a side
 */
export function foldedText(
  { frames, frame, depth }: Pick<CallTree, 'frames' | 'frame' | 'depth'>,
  selves: Float64Array[],
): string[] {
  const names = frames.map((text) => nameOfFrame(text).replaceAll(';', ':'));
  const parts: string[] = [];
  const open: string[] = [];
  let lines = '';
  let count = 0;
  for (let node = 0; node < depth.length; node++) {
    const own = frame[node] as number;
    // The root has no name: what stands at depth d is the stack's entry d - 1.
    open.length = Math.max(0, (depth[node] as number) - 1);
    if (own !== NO_FRAME) open.push(names[own] as string);
    if (selves.every((self) => self[node] === 0)) continue;
    lines += `${open.join(';') || '[unknown]'} ${selves.map((self) => self[node]).join(' ')}\n`;
    if (++count % PART_LINES === 0) {
      parts.push(lines);
      lines = '';
    }
  }
  parts.push(lines);
  return parts;
}
