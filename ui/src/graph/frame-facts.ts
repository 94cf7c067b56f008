import { type FlameLayout, pathTo, wholeOf } from '@bunsen/flame';
import { type FlameMeta, type FrameKind, frameKind, NO_FRAME, parseFrame } from '@bunsen/profile';
import { coresOf, formatCores, formatShare, formatValue, hasCores } from '../format/value.ts';

/** What there is to say about a node, in words. */
export interface FrameFacts {
  name: string;
  module: string;
  /** `file.c:12`, or empty. */
  source: string;
  kind: FrameKind | null;
  self: string;
  selfShare: string;
  total: string;
  totalShare: string;
  /** Of CPU time: how many cores the node keeps busy. Else empty. */
  cores: string;
}

export function frameFacts(layout: FlameLayout, meta: FlameMeta, node: number): FrameFacts {
  const { tree } = layout;
  const text = frameText(layout, node);
  const { name, module, file, line } = parseFrame(text);
  const whole = wholeOf(layout) || 1;
  const self = tree.self[node] as number;
  const total = tree.total[node] as number;
  return {
    name: text === '' ? 'all' : name,
    module,
    source: file === '' ? '' : line > 0 ? `${file}:${line}` : file,
    kind: text === '' ? null : frameKind(text),
    self: formatValue(self, meta.unit),
    selfShare: formatShare(self / whole),
    total: formatValue(total, meta.unit),
    totalShare: formatShare(total / whole),
    cores: hasCores(meta.unit, meta) ? formatCores(coresOf(total, meta)) : '',
  };
}

/** The names from the root's child down to a node, one a line. */
export function stackText(layout: FlameLayout, node: number): string {
  return pathTo(layout, node)
    .slice(1)
    .map((one) => parseFrame(frameText(layout, one)).name)
    .join('\n');
}

/** A node's stored frame; empty for the root. */
export function frameText({ tree }: FlameLayout, node: number): string {
  const frame = tree.frame[node] as number;
  return frame === NO_FRAME ? '' : (tree.frames[frame] as string);
}
