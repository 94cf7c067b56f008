import { type Matcher, SERVICE_NAME } from '@bunsen/profile';
import type { RollupStatus } from '../../store/rollups.ts';
import type { QueryParams, Store } from '../../store/store.ts';
import type { Selection } from '../selection.ts';
import type { Buckets, Grid, Statistic } from './windows.ts';

export interface PointsRequest {
  /** Canonical name of a profile type. */
  profileType: string;
  /** On labels of series, and on `function` and `module`. */
  matchers: Matcher[];
  grid: Grid;
  rangeMs: number;
  offsetMs: number;
  statistic: Statistic;
  /** Sums by these labels, which the store makes; undefined = every series by itself. */
  groupBy: string[] | undefined;
}

export interface Sources {
  store: Store;
  status: RollupStatus;
  signal: AbortSignal;
}

/** How the store is asked for the rows of a request. */
export interface RowSource {
  buckets: Buckets;
  /** SELECT of (service, function, bucket, value, profiles), and of `series` unless {@link isByService}. */
  rowsSql: (selection: Selection) => string;
  /** Labels of series by which rows are summed; undefined = all. */
  names: string[] | undefined;
  /** What tells functions apart in `function`, as an expression of name and module. */
  functionKey: string;
  regexes: string[];
  params: QueryParams;
  warnings: string[];
}

/** Whether a series' service is all that is asked for. */
export function isByService(names: string[] | undefined): boolean {
  return names?.every((name) => name === SERVICE_NAME) === true;
}
