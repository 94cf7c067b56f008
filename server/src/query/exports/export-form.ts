import type { ProfileType } from '@bunsen/profile';
import type { TimeRange } from '../../time.ts';
import type { PprofMessage } from '../pyroscope-messages.ts';

export const EXPORT_FORMATS = ['pprof', 'folded', 'speedscope', 'dot', 'svg'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/**
 * A selection as a file. Those that are pictures are cut to so many nodes; a pprof may be in a message
 * instead.
 */
export type ExportForm =
  | { format: 'pprof'; message?: PprofMessage }
  | { format: 'folded' | 'speedscope' }
  | { format: 'dot' | 'svg'; maxNodes: number };

/** What an export is about: for its titles. */
export interface ExportSubject {
  query: string;
  profileType: ProfileType;
  /** What was merged. */
  range: TimeRange;
  warnings: string[];
}
