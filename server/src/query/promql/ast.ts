import type { Matcher } from '@bunsen/profile';

/** The part of PromQL that is evaluated; parse.ts refuses the rest by name. */
export type Expr =
  | NumberLiteral
  | { kind: 'paren'; inner: Expr }
  | { kind: 'negate'; inner: Expr }
  | Selector
  | RangeCall
  | Aggregate
  | Binary;

export interface NumberLiteral {
  kind: 'number';
  value: number;
}

/** `name{matchers} offset 5m`: the latest profile of each series. */
export interface Selector {
  kind: 'selector';
  /** Metric name, which is a profile type; empty if only matchers are given. */
  name: string;
  matchers: Matcher[];
  offsetMs: number;
}

export const RANGE_FUNCTIONS = [
  'rate',
  'increase',
  'sum_over_time',
  'avg_over_time',
  'min_over_time',
  'max_over_time',
  'count_over_time',
  'last_over_time',
] as const;
export type RangeFunction = (typeof RANGE_FUNCTIONS)[number];

/** `rate(name{matchers}[5m])`. */
export interface RangeCall {
  kind: 'call';
  name: RangeFunction;
  selector: Selector;
  rangeMs: number;
}

export const AGGREGATIONS = ['sum', 'avg', 'min', 'max', 'count', 'topk', 'bottomk'] as const;
export type AggregationName = (typeof AGGREGATIONS)[number];

export interface Grouping {
  mode: 'by' | 'without';
  labels: string[];
}

/** `sum by (a) (inner)`, `topk(param, inner)`. */
export interface Aggregate {
  kind: 'aggregate';
  name: AggregationName;
  grouping: Grouping | undefined;
  param: Expr | undefined;
  inner: Expr;
}

export const ARITHMETIC = ['+', '-', '*', '/', '%', '^'] as const;
export const COMPARISONS = ['==', '!=', '>', '<', '>=', '<='] as const;
export type Operator = (typeof ARITHMETIC)[number] | (typeof COMPARISONS)[number];

/** `left > bool on(a) right`. */
export interface Binary {
  kind: 'binary';
  operator: Operator;
  left: Expr;
  right: Expr;
  bool: boolean;
  /** Labels by which two vectors are matched one to one; undefined = all. */
  matching: { mode: 'on' | 'ignoring'; labels: string[] } | undefined;
}

export type ValueType = 'scalar' | 'vector';

export function typeOf(expr: Expr): ValueType {
  switch (expr.kind) {
    case 'number':
      return 'scalar';
    case 'paren':
    case 'negate':
      return typeOf(expr.inner);
    case 'binary':
      return typeOf(expr.left) === 'scalar' ? typeOf(expr.right) : 'vector';
    default:
      return 'vector';
  }
}

export function isComparison(operator: Operator): boolean {
  return (COMPARISONS as readonly string[]).includes(operator);
}

/** Without the brackets around it. */
export function unwrapped(expr: Expr): Expr {
  return expr.kind === 'paren' ? unwrapped(expr.inner) : expr;
}
