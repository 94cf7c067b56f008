import type { RE2JS } from 're2js';

/** What a rule may do: the actions of Prometheus' relabel_config. */
export const ACTIONS = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'hashmod',
  'lowercase',
  'uppercase',
  'labelmap',
  'labeldrop',
  'labelkeep',
] as const;

export type Action = (typeof ACTIONS)[number];

/** One step of relabelling, checked: every field is there and fits the action. */
export interface RelabelRule {
  /** Where it stands, such as `relabel_configs[2]`, and its action: for errors and counts. */
  name: string;
  action: Action;
  sourceLabels: string[];
  separator: string;
  /** To be matched as a whole; `.` matches a line's end, too. */
  regex: RE2JS;
  targetLabel: string;
  replacement: string;
  /** 0 unless the action is hashmod. */
  modulus: bigint;
}
