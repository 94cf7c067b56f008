import type { Labels } from '@bunsen/profile';
import { BunsenError } from '../../errors.ts';
import { type Binary, isComparison, type Operator } from './ast.ts';
import {
  type LabelledPoints,
  labelsKey,
  METRIC_NAME,
  pickLabels,
  type Value,
  withoutName,
} from './values.ts';

/** What an operator makes of two values, as Prometheus does. */
export function binary(expr: Binary, left: Value, right: Value): Value {
  if (left.type === 'vector') {
    return {
      type: 'vector',
      series:
        right.type === 'vector'
          ? matched(expr, left.series, right.series)
          : left.series.map((series) => withNumbers(expr, series, right.values, 'right')),
    };
  }
  if (right.type === 'vector') {
    const series = right.series.map((each) => withNumbers(expr, each, left.values, 'left'));
    return { type: 'vector', series };
  }
  const values = left.values.map((value, i) =>
    apply(expr.operator, value, right.values[i] as number),
  );
  return { type: 'scalar', values };
}

/** Comparisons are 1 and 0. */
function apply(operator: Operator, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '%':
      return a % b;
    case '^':
      return a ** b;
    case '==':
      return Number(a === b);
    case '!=':
      return Number(a !== b);
    case '>':
      return Number(a > b);
    case '<':
      return Number(a < b);
    case '>=':
      return Number(a >= b);
    case '<=':
      return Number(a <= b);
  }
}

/** A comparison without `bool` keeps the samples for which it holds, and is else an arithmetic operator. */
function withNumbers(
  { operator, bool }: Binary,
  { labels, values, present }: LabelledPoints,
  numbers: Float64Array,
  side: 'left' | 'right',
): LabelledPoints {
  const results = values.map((value, i) =>
    side === 'right'
      ? apply(operator, value, numbers[i] as number)
      : apply(operator, numbers[i] as number, value),
  );
  if (isComparison(operator) && !bool) {
    return { labels, values, present: present.map((is, i) => (results[i] === 1 ? is : 0)) };
  }
  return { labels: withoutName(labels), values: results, present };
}

/** Samples of equal labels, or of equal ones of those that are to match, one to one. */
function matched(expr: Binary, left: LabelledPoints[], right: LabelledPoints[]): LabelledPoints[] {
  const { operator, bool, matching } = expr;
  const names = matching?.labels ?? [];
  const matchLabels = (labels: Labels): Labels =>
    matching?.mode === 'on'
      ? pickLabels(labels, 'only', names)
      : pickLabels(labels, 'not', [METRIC_NAME, ...names]);
  const byLabels = new Map<string, LabelledPoints[]>();
  for (const series of right) {
    const key = labelsKey(matchLabels(series.labels));
    const others = byLabels.get(key);
    if (others) others.push(series);
    else byLabels.set(key, [series]);
  }
  const filters = isComparison(operator) && !bool;
  const taken = new Map<string, Uint8Array>(); // per label set: points that have a result
  return left.flatMap((series) => {
    const own = matchLabels(series.labels);
    const key = labelsKey(own);
    const others = byLabels.get(key);
    if (!others) return [];
    const values = new Float64Array(series.values.length);
    const present = new Uint8Array(values.length);
    const results = taken.get(key) ?? new Uint8Array(values.length);
    taken.set(key, results);
    for (let i = 0; i < values.length; i++) {
      if (series.present[i] === 0) continue;
      const partners = others.filter((other) => other.present[i] === 1);
      if (partners.length === 0) continue;
      if (partners.length > 1 || results[i] === 1) {
        throw new BunsenError(
          'PROMQL_MALFORMED',
          `${operator} between vectors: several series of the ${partners.length > 1 ? 'right' : 'left'} side have the labels ${key}: aggregate them, or match by more labels`,
        );
      }
      results[i] = 1;
      const value = series.values[i] as number;
      const result = apply(operator, value, partners[0]?.values[i] as number);
      values[i] = filters ? value : result;
      present[i] = filters ? result : 1;
    }
    if (!present.includes(1)) return [];
    const keepsName = filters && matching?.mode !== 'on';
    const labels = keepsName ? pickLabels(series.labels, 'not', names) : own;
    return [{ labels, values, present }];
  });
}
