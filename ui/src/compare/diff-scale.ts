import type { DiffWeights } from '@bunsen/flame';
import type { FlameDiff } from '@bunsen/profile';
import { signed } from '../format/change.ts';
import { digits, formatCores, formatShare, formatValue, isCpuTime } from '../format/value.ts';
import type { Scale } from '../url/compare-state.ts';

/** What the values of a comparison are measured in, so that both sides can be held side by side. */
export interface DiffScale {
  weights: DiffWeights;
  /** A weighted value: `12.1 %`, `0.53 cores`. */
  format(value: number): string;
  /** What stands above a column of numbers that have no unit of their own; empty if they have one. */
  unit: string;
  /** A weighted value in such a column: `0.53`. */
  formatCell(value: number): string;
  /** A difference of two, with its sign: `+3.20 pp`, `−0.12 cores`. */
  formatChange(change: number): string;
}

/**
 * Shares of each side's total say which code weighs more than it did, however busy the service was;
 * absolute values say what it costs, by the second, since the ranges may differ in length.
 */
export function diffScale(scale: Scale, { meta, tree }: FlameDiff): DiffScale {
  if (scale === 'share') {
    const weight = (total: number | undefined) => (total ? 1 / total : 0);
    return {
      weights: { left: weight(tree.left.total[0]), right: weight(tree.right.total[0]) },
      format: formatShare,
      unit: '',
      formatCell: formatShare,
      formatChange: (change) => signed(change, `${points(Math.abs(change))} pp`),
    };
  }
  const cpu = isCpuTime(meta.unit);
  const perSecond = ({ fromMs, untilMs }: { fromMs: number; untilMs: number }) =>
    (cpu ? 1e-9 : 1) / ((untilMs - fromMs) / 1000);
  const format = (value: number) =>
    cpu ? formatCores(value) : `${formatValue(value, meta.unit)}/s`;
  return {
    weights: { left: perSecond(meta.left), right: perSecond(meta.right) },
    format,
    unit: cpu ? 'cores' : '',
    formatCell: cpu ? digits : format,
    formatChange: (change) => signed(change, format(Math.abs(change))),
  };
}

function points(share: number): string {
  const percent = share * 100;
  return percent === 0 ? '0' : percent < 0.01 ? '<0.01' : percent.toFixed(percent < 9.995 ? 2 : 1);
}
