import { BunsenError } from '../../errors.ts';
import { aggregate } from './aggregate.ts';
import {
  type Aggregate,
  type Expr,
  type RangeCall,
  type RangeFunction,
  type Selector,
  unwrapped,
} from './ast.ts';
import { binary } from './binary.ts';
import { profilePoints, profileTypeOfMetric } from './profile-points.ts';
import type { Sources } from './row-source.ts';
import { type LabelledPoints, METRIC_NAME, type Value, withoutName } from './values.ts';
import type { Grid, Statistic } from './windows.ts';

export interface Evaluation {
  value: Value;
  warnings: string[];
}

/** How far back the latest profile of a series may be, as in Prometheus. */
export const LOOKBACK_MS = 300_000;

const STATISTICS: Record<RangeFunction, Statistic> = {
  rate: 'sum',
  increase: 'sum',
  sum_over_time: 'sum',
  avg_over_time: 'avg',
  min_over_time: 'min',
  max_over_time: 'max',
  count_over_time: 'count',
  last_over_time: 'last',
};

/**
 * Evaluates an expression at every point of a grid, with one query of the store per selector.
 * @throws ProfileError or BunsenError if it cannot be evaluated, or passes a limit
 */
export async function evaluate(
  sources: Sources,
  expr: Expr,
  grid: Grid,
  lookbackMs = LOOKBACK_MS,
): Promise<Evaluation> {
  const warnings = new Set<string>();
  const value = await evaluated(expr);
  return { value, warnings: [...warnings] };

  async function evaluated(expr: Expr): Promise<Value> {
    switch (expr.kind) {
      case 'number':
        return { type: 'scalar', values: new Float64Array(grid.points).fill(expr.value) };
      case 'paren':
        return evaluated(expr.inner);
      case 'negate':
        return negated(await evaluated(expr.inner));
      case 'selector':
        return { type: 'vector', series: await latest(expr) };
      case 'call':
        return { type: 'vector', series: await overTime(expr, undefined) };
      case 'aggregate':
        return { type: 'vector', series: await aggregated(expr) };
      case 'binary': {
        const left = await evaluated(expr.left);
        return binary(expr, left, await evaluated(expr.right));
      }
    }
  }

  async function aggregated(expr: Aggregate): Promise<LabelledPoints[]> {
    const { name, grouping, param } = expr;
    const inner = unwrapped(expr.inner);
    // Sums of sums: the store makes them, instead of handing out every series.
    if (
      name === 'sum' &&
      grouping?.mode !== 'without' &&
      inner.kind === 'call' &&
      STATISTICS[inner.name] === 'sum'
    ) {
      const labels = (grouping?.labels ?? []).filter((label) => label !== METRIC_NAME);
      return overTime(inner, [...new Set(labels)]);
    }
    const numbers = param && (await evaluated(param));
    const vector = await evaluated(inner);
    if (vector.type !== 'vector') throw new Error(`${name} of a number passed the parser`);
    return aggregate(
      { name, grouping, param: numbers?.type === 'scalar' ? numbers.values : undefined },
      vector.series,
      grid.points,
    );
  }

  async function latest(selector: Selector): Promise<LabelledPoints[]> {
    return pointsOf(selector, lookbackMs, 'last', undefined, true);
  }

  async function overTime(
    { name, selector, rangeMs }: RangeCall,
    groupBy: string[] | undefined,
  ): Promise<LabelledPoints[]> {
    const keepsName = name === 'last_over_time';
    const series = await pointsOf(selector, rangeMs, STATISTICS[name], groupBy, keepsName);
    if (name === 'rate') {
      const seconds = rangeMs / 1000;
      return series.map((each) => ({ ...each, values: each.values.map((sum) => sum / seconds) }));
    }
    return series;
  }

  async function pointsOf(
    selector: Selector,
    rangeMs: number,
    statistic: Statistic,
    groupBy: string[] | undefined,
    keepsName: boolean,
  ): Promise<LabelledPoints[]> {
    const name = metricOf(selector);
    const profileType = profileTypeOfMetric(name);
    if (profileType === undefined) {
      warnings.add(
        `no metric is called ${JSON.stringify(name)}: metrics are profile types, such as process_cpu:cpu:nanoseconds:cpu:nanoseconds`,
      );
      return [];
    }
    const found = await profilePoints(sources, {
      profileType,
      matchers: selector.matchers.filter((matcher) => matcher.name !== METRIC_NAME),
      grid,
      rangeMs,
      offsetMs: selector.offsetMs,
      statistic,
      groupBy,
    });
    for (const warning of found.warnings) warnings.add(warning);
    if (!keepsName) return found.series;
    return found.series.map(({ labels, ...points }) => ({
      labels: { [METRIC_NAME]: profileType, ...labels },
      ...points,
    }));
  }
}

/** The one metric that a selector is about. */
function metricOf({ name, matchers }: Selector): string {
  const named = matchers.filter((matcher) => matcher.name === METRIC_NAME);
  const [first] = named;
  if (name !== '' && !first) return name;
  if (name === '' && named.length === 1 && first?.operator === '=') return first.value;
  throw new BunsenError(
    'PROMQL_UNSUPPORTED',
    `a selector that does not name one metric, by name or as ${METRIC_NAME}="…", is not supported: values of several profile types have several units`,
  );
}

function negated(value: Value): Value {
  const negate = (values: Float64Array) => values.map((each) => -each);
  if (value.type === 'scalar') return { type: 'scalar', values: negate(value.values) };
  const series = value.series.map(({ labels, values, present }) => ({
    labels: withoutName(labels),
    values: negate(values),
    present,
  }));
  return { type: 'vector', series };
}
