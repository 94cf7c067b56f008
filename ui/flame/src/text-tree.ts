import { buildCallTree, type CallTree, formatFrame, parseFolded } from '@bunsen/profile';

/**
 * A call tree drawn as folded text, for tests: `main;parse;memcpy@libc 12` a line. What follows the
 * last `@` of a frame is its module.
 */
export function textTree(text: string): CallTree {
  const stacks = parseFolded(text);
  const frames = stacks.frames.map((frame) => {
    const at = frame.lastIndexOf('@');
    return at < 0 ? frame : formatFrame({ name: frame.slice(0, at), module: frame.slice(at + 1) });
  });
  return buildCallTree({ ...stacks, frames }, Array.from(stacks.values, Number));
}
