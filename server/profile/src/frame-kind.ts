import { OTHER_FRAME } from './call-tree.ts';
import { moduleOfFrame, nameOfFrame } from './frame.ts';

/** What sort of code a frame is; in the order in which a legend lists them. */
export const FRAME_KINDS = ['native', 'jit', 'kernel', 'unnamed', 'other'] as const;

/**
 * - `native`: user space, compiled ahead of time or interpreted
 * - `jit`: compiled while it ran
 * - `kernel`: kernel and its modules
 * - `unnamed`: an address that nobody could name
 * - `other`: no code at all, but what was folded away from a tree that is too large
 */
export type FrameKind = (typeof FRAME_KINDS)[number];

/** Modules in brackets that are user space; every other such module is the kernel's. */
const USER_BRACKETS = /^\[(vdso|vsyscall|heap|stack|anon|unknown|uprobes)\b/;
/** An address, or a remark of the agent in brackets, such as `[process exited]`. */
const NO_NAME = /(^|\+)0x[0-9a-f]+$|^\[.*\]$/i;

/** The kind of a stored frame. Knows the suffixes `_[k]` and `_[j]` of folded text by perf as well. */
export function frameKind(frame: string): FrameKind {
  return kindOf(nameOfFrame(frame), moduleOfFrame(frame));
}

/** The kind of a frame that has been parsed already. */
export function kindOf(name: string, module: string): FrameKind {
  if (name === OTHER_FRAME && module === '') return 'other';
  if (module === '[jit]' || name.endsWith('_[j]')) return 'jit';
  if (module.startsWith('[') && !USER_BRACKETS.test(module)) return 'kernel';
  if (name.endsWith('_[k]')) return 'kernel';
  if (NO_NAME.test(name)) return 'unnamed';
  return 'native';
}
