import { type CallTree, moduleOfFrame, NO_FRAME, nameOfFrame } from '@bunsen/profile';

/** Tells whether a text is meant. */
export type TextMatcher = (text: string) => boolean;

/**
 * Compiles what was typed into a search box. Plain text matches anywhere, whatever its case; a
 * regular expression is JavaScript's, and minds no case either.
 * @returns null for an empty search; the engine's message for an expression that does not compile
 */
export function compileSearch(
  text: string,
  isRegex: boolean,
): TextMatcher | null | { error: string } {
  if (text === '') return null;
  if (!isRegex) {
    const lower = text.toLowerCase();
    return (candidate) => candidate.toLowerCase().includes(lower);
  }
  try {
    const pattern = new RegExp(text, 'iu');
    return (candidate) => pattern.test(candidate);
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** Per frame: 1 if its name or its module matches. Looks at each distinct frame once, at no node. */
export function matchFrames(frames: string[], matches: TextMatcher): Uint8Array {
  const marked = new Uint8Array(frames.length);
  frames.forEach((frame, index) => {
    if (matches(nameOfFrame(frame))) marked[index] = 1;
    else {
      const module = moduleOfFrame(frame);
      if (module !== '' && matches(module)) marked[index] = 1;
    }
  });
  return marked;
}

/** Value of the samples whose stack holds a marked frame, each counted once. */
export function matchedTotal(tree: CallTree, marked: Uint8Array): number {
  let sum = 0;
  for (let node = 0; node < tree.depth.length; node++) {
    const frame = tree.frame[node] as number;
    if (frame === NO_FRAME || marked[frame] === 0) continue;
    sum += tree.total[node] as number;
    // Everything below is part of this total already.
    const depth = tree.depth[node] as number;
    while (node + 1 < tree.depth.length && (tree.depth[node + 1] as number) > depth) node++;
  }
  return sum;
}
