import type { Labels } from '@bunsen/profile';
import type { AggregationName, Grouping } from './ast.ts';
import { type LabelledPoints, labelsKey, METRIC_NAME, pickLabels } from './values.ts';

export interface Aggregation {
  name: AggregationName;
  grouping: Grouping | undefined;
  /** Per point: how many `topk` and `bottomk` keep. */
  param: Float64Array | undefined;
}

/** Aggregates series by label sets, at every point. */
export function aggregate(
  { name, grouping, param }: Aggregation,
  series: LabelledPoints[],
  points: number,
): LabelledPoints[] {
  const groups = new Map<string, { labels: Labels; members: LabelledPoints[] }>();
  for (const each of series) {
    const labels = groupLabels(each.labels, grouping);
    const key = labelsKey(labels);
    const group = groups.get(key);
    if (group) group.members.push(each);
    else groups.set(key, { labels, members: [each] });
  }
  return [...groups.values()].flatMap(({ labels, members }) =>
    name === 'topk' || name === 'bottomk'
      ? ranked(members, points, name, param as Float64Array)
      : [{ labels, ...combined(members, points, name) }],
  );
}

function groupLabels(labels: Labels, grouping: Grouping | undefined): Labels {
  if (grouping?.mode === 'without') {
    return pickLabels(labels, 'not', [METRIC_NAME, ...grouping.labels]);
  }
  return pickLabels(labels, 'only', grouping?.labels ?? []);
}

type Combining = Exclude<AggregationName, 'topk' | 'bottomk'>;

function combined(members: LabelledPoints[], points: number, name: Combining) {
  const values = new Float64Array(points);
  const present = new Uint8Array(points);
  const counts = new Uint32Array(points);
  for (const member of members) {
    for (let i = 0; i < points; i++) {
      if (member.present[i] === 0) continue;
      const value = member.values[i] as number;
      const so = values[i] as number;
      values[i] = present[i] === 0 ? (name === 'count' ? 1 : value) : next(name, so, value);
      present[i] = 1;
      counts[i] = (counts[i] as number) + 1;
    }
  }
  if (name === 'avg') {
    for (let i = 0; i < points; i++) values[i] = (values[i] as number) / (counts[i] || 1);
  }
  return { values, present };
}

function next(name: Combining, so: number, value: number): number {
  switch (name) {
    case 'sum':
    case 'avg':
      return so + value;
    case 'count':
      return so + 1;
    // A number is both less and greater than NaN.
    case 'min':
      return value < so || Number.isNaN(so) ? value : so;
    case 'max':
      return value > so || Number.isNaN(so) ? value : so;
  }
}

/** The series with the k largest or smallest values, point by point; NaN comes last. */
function ranked(
  members: LabelledPoints[],
  points: number,
  name: 'topk' | 'bottomk',
  param: Float64Array,
): LabelledPoints[] {
  const kept = members.map(() => new Uint8Array(points));
  const ofFirst = new Map<number, number>(); // place of a member at the first point
  for (let i = 0; i < points; i++) {
    const k = Math.trunc(param[i] as number);
    if (!(k >= 1)) continue;
    const value = (member: number) => members[member]?.values[i] as number;
    const order = members
      .map((_, member) => member)
      .filter((member) => members[member]?.present[i] === 1)
      .sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        if (Number.isNaN(x) || Number.isNaN(y))
          return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
        return name === 'topk' ? y - x : x - y;
      })
      .slice(0, k);
    for (const [place, member] of order.entries()) {
      (kept[member] as Uint8Array)[i] = 1;
      if (i === 0) ofFirst.set(member, place);
    }
  }
  return members
    .map((_, member) => member)
    .filter((member) => kept[member]?.includes(1))
    .sort((a, b) => (ofFirst.get(a) ?? members.length) - (ofFirst.get(b) ?? members.length))
    .map((member) => ({
      ...(members[member] as LabelledPoints),
      present: kept[member] as Uint8Array,
    }));
}
