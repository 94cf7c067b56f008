import type { Labels } from '@bunsen/profile';
import type { Points } from './windows.ts';

/** The label that Prometheus gives a metric's name. */
export const METRIC_NAME = '__name__';

export interface LabelledPoints extends Points {
  labels: Labels;
}

/** At each point of a grid: a number, or the samples of a set of series. */
export type Value =
  | { type: 'scalar'; values: Float64Array }
  | { type: 'vector'; series: LabelledPoints[] };

export function withoutName({ [METRIC_NAME]: _, ...labels }: Labels): Labels {
  return labels;
}

/** The labels of these names, or all others. */
export function pickLabels(labels: Labels, mode: 'only' | 'not', names: string[]): Labels {
  const wanted = mode === 'only';
  return Object.fromEntries(
    Object.entries(labels).filter(([name]) => names.includes(name) === wanted),
  );
}

/** A text that two label sets have in common if and only if they are equal. */
export function labelsKey(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
