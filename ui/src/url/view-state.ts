import { STEP_KINDS, type StepKind } from '@bunsen/flame';
import { CPU_PROFILE_TYPE, formatSelector, type Matcher } from '@bunsen/profile';
import {
  type CompareState,
  compareParams,
  DEFAULT_COMPARE,
  parseCompare,
  parseMatchers,
} from './compare-state.ts';

export const PANES = ['both', 'graph', 'table'] as const;
export type Pane = (typeof PANES)[number];

export const SORT_COLUMNS = ['name', 'self', 'total'] as const;
export type SortColumn = (typeof SORT_COLUMNS)[number];

export const DIRECTIONS = ['callees', 'callers'] as const;
/** Which side of a function a graph shows. */
export type Direction = (typeof DIRECTIONS)[number];

export const HEAT_SCALES = ['all', 'row'] as const;
/** What the strongest colour of a heatmap is of: all rows, or each row by itself. */
export type HeatScale = (typeof HEAT_SCALES)[number];

export const AGENT_COLUMNS = [
  'host',
  'state',
  'version',
  'samples',
  'lost',
  'whole',
  'cpu',
  'memory',
  'waiting',
  'age',
] as const;
export type AgentColumn = (typeof AGENT_COLUMNS)[number];

/** What the table of agents is sorted by. */
export interface AgentOrder {
  by: AgentColumn;
  ascending: boolean;
}

/** A rectangle of a heatmap: a time, and values of the label whose rows it has. */
export interface Box {
  fromMs: number;
  untilMs: number;
  /** At least one; empty for series without the label. */
  values: string[];
}

/**
 * How many nodes a flame graph is asked for at first: more than a screen shows, and quick to send. An
 * hour of a busy host of two cores has some 150 000.
 */
export const DEFAULT_MAX_NODES = 100_000;

/** What a page shows, all of it in the query of its URL. What has its default value is left out there. */
export interface ViewState {
  profileType: string;
  /** A time as it was typed: `now-30m`, or milliseconds since 1970. */
  from: string;
  until: string;
  /** Conditions beside the service's name. */
  filters: Matcher[];
  search: string;
  isRegex: boolean;
  pane: Pane;
  sort: SortColumn;
  ascending: boolean;
  /** The function that is picked out of the table, as `functionOfFrame` writes it; empty for none. */
  fn: string;
  /** The node that the graph is zoomed to, by its path id; empty for the whole graph. */
  focus: string;
  maxNodes: number;
  /** Seconds between two refreshes; 0 for none. */
  refreshS: number;
  compare: CompareState;
  /** Of a function's page: the module it is in, empty if that is not known; null for any. */
  module: string | null;
  direction: Direction;
  /** What is done to stacks before they are drawn, in order. */
  steps: Step[];
  /** Whether stacks are turned round: what they end in stands below the root. */
  inverted: boolean;
  /** The label by which a page tells series apart; empty for the one that it takes by itself. */
  label: string;
  /** What is picked of a heatmap. */
  box: Box | null;
  heatScale: HeatScale;
  /** The host whose agent is picked; empty for none. */
  host: string;
  /** null for those in trouble first. */
  agentOrder: AgentOrder | null;
  /** The file that is looked at, by what it holds: `FileRef` of the page of files; empty for none. */
  file: string;
  /** The shared file that the server is asked for; empty for none. */
  shared: string;
  /** What it is compared with: another file, or `live`; empty for nothing. */
  against: string;
}

/** `key`: a function as `functionOfFrame` writes it; of a collapse, a module. */
export interface Step {
  kind: StepKind;
  key: string;
}

export const DEFAULT_VIEW: ViewState = {
  profileType: CPU_PROFILE_TYPE,
  from: 'now-30m',
  until: 'now',
  filters: [],
  search: '',
  isRegex: false,
  pane: 'both',
  sort: 'self',
  ascending: false,
  fn: '',
  focus: '',
  maxNodes: DEFAULT_MAX_NODES,
  refreshS: 0,
  compare: DEFAULT_COMPARE,
  module: null,
  direction: 'callees',
  steps: [],
  inverted: false,
  label: '',
  box: null,
  heatScale: 'all',
  host: '',
  agentOrder: null,
  file: '',
  shared: '',
  against: '',
};

/** Reads a URL's query. Never throws: what cannot be read has its default value. */
export function parseViewState(query: string): ViewState {
  const params = new URLSearchParams(query);
  const text = (name: string, otherwise: string) => params.get(name) || otherwise;
  const oneOf = <T extends string>(name: string, values: readonly T[], otherwise: T): T =>
    values.find((value) => value === params.get(name)) ?? otherwise;
  const whole = (name: string, otherwise: number, least: number) => {
    const value = Number(params.get(name) ?? Number.NaN);
    return Number.isInteger(value) && value >= least ? value : otherwise;
  };
  return {
    profileType: text('type', DEFAULT_VIEW.profileType),
    from: text('from', DEFAULT_VIEW.from),
    until: text('until', DEFAULT_VIEW.until),
    filters: parseMatchers(params.get('labels')),
    search: text('q', ''),
    isRegex: params.get('regex') === '1',
    pane: oneOf('view', PANES, DEFAULT_VIEW.pane),
    sort: oneOf('sort', SORT_COLUMNS, DEFAULT_VIEW.sort),
    ascending: params.get('order') === 'asc',
    fn: text('fn', ''),
    focus: text('focus', ''),
    maxNodes: whole('nodes', DEFAULT_VIEW.maxNodes, 1),
    refreshS: whole('refresh', DEFAULT_VIEW.refreshS, 0),
    compare: parseCompare(params),
    module: params.get('module'),
    direction: oneOf('side', DIRECTIONS, DEFAULT_VIEW.direction),
    steps: params.getAll('step').flatMap(parseStep),
    inverted: params.get('invert') === '1',
    label: text('label', ''),
    box: parseBox(params),
    heatScale: oneOf('heat', HEAT_SCALES, DEFAULT_VIEW.heatScale),
    host: text('host', ''),
    agentOrder: parseAgentOrder(params.get('agents')),
    file: text('file', ''),
    shared: text('shared', ''),
    against: text('against', ''),
  };
}

/** The query of a URL, with its `?` if there is anything to say. */
export function formatViewState(state: ViewState): string {
  const params = new URLSearchParams();
  const put = (name: string, value: string | number, otherwise: string | number) => {
    if (value !== otherwise) params.set(name, String(value));
  };
  put('type', state.profileType, DEFAULT_VIEW.profileType);
  put('from', state.from, DEFAULT_VIEW.from);
  put('until', state.until, DEFAULT_VIEW.until);
  if (state.filters.length > 0) {
    params.set('labels', formatSelector({ profileType: '', matchers: state.filters }));
  }
  put('q', state.search, '');
  if (state.isRegex) params.set('regex', '1');
  put('view', state.pane, DEFAULT_VIEW.pane);
  put('sort', state.sort, DEFAULT_VIEW.sort);
  if (state.ascending) params.set('order', 'asc');
  put('fn', state.fn, '');
  put('focus', state.focus, '');
  put('nodes', state.maxNodes, DEFAULT_VIEW.maxNodes);
  put('refresh', state.refreshS, DEFAULT_VIEW.refreshS);
  for (const [name, value] of compareParams(state.compare)) params.set(name, value);
  if (state.module !== null) params.set('module', state.module);
  put('side', state.direction, DEFAULT_VIEW.direction);
  for (const { kind, key } of state.steps) params.append('step', `${kind} ${key}`);
  if (state.inverted) params.set('invert', '1');
  put('label', state.label, '');
  put('heat', state.heatScale, DEFAULT_VIEW.heatScale);
  put('host', state.host, '');
  if (state.agentOrder) {
    const { by, ascending } = state.agentOrder;
    params.set('agents', ascending ? by : `-${by}`);
  }
  put('file', state.file, '');
  put('shared', state.shared, '');
  put('against', state.against, '');
  if (state.box) {
    params.set('boxFrom', String(state.box.fromMs));
    params.set('boxUntil', String(state.box.untilMs));
    for (const value of state.box.values) params.append('box', value);
  }
  const query = params.toString();
  return query === '' ? '' : `?${query}`;
}

function parseBox(params: URLSearchParams): Box | null {
  const [fromMs, untilMs] = [params.get('boxFrom'), params.get('boxUntil')].map(Number);
  const values = params.getAll('box');
  if (!fromMs || !untilMs || !(untilMs > fromMs) || values.length === 0) return null;
  return { fromMs, untilMs, values };
}

/** `cpu` for ascending, `-cpu` for descending. */
function parseAgentOrder(text: string | null): AgentOrder | null {
  const ascending = !text?.startsWith('-');
  const by = AGENT_COLUMNS.find((column) => column === (ascending ? text : text?.slice(1)));
  return by ? { by, ascending } : null;
}

function parseStep(text: string): Step[] {
  const [, word, key] = /^(\w+) (.+)$/s.exec(text) ?? [];
  const kind = STEP_KINDS.find((one) => one === word);
  return kind && key ? [{ kind, key }] : [];
}
