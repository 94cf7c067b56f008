import { ProfileError } from './errors.ts';
import { StackColumnsBuilder } from './folded.ts';
import { formatFrame } from './frame.ts';
import { FILE_LIMITS, type ProfileLimits } from './limits.ts';
import type { StackColumns } from './profile.ts';

/** The samples of one event, such as `cpu-clock`. */
export interface PerfEvent {
  name: string;
  /** Of the values: time of clocks; otherwise a count, of what the event counts. */
  unit: 'nanoseconds' | 'count';
  /** Root first: below the root the name of the thread. Equal stacks may recur. */
  stacks: StackColumns;
  /** One a stack: the period of the sample, or 1 if the event's samples do not all have one. */
  values: Float64Array;
}

export interface PerfScript {
  /** One or more, in the order of the text. */
  events: PerfEvent[];
  /** Lines that are none of perf's that are known here, and the first of them as it is shown. */
  unknown: { lines: number; first: string };
}

/**
 * `node 123/124 [001] 45.678901:   10101010 cpu-clock:pppH:  ` with or without most of it. Only the
 * beginning of a line is looked at, and a thread's name is short: else a crafted line takes quadratic time.
 */
const EVENT =
  /^\s*(\S.{0,63}?)\s+-?\d+(?:\/-?\d+)?\s+(?:\[\d+\]\s+)?(?:\d+\.\d+:\s+)?(?:(\d+)\s+)?([\w./=-]+(?::[\w./=-]*)*):(?:\s|$)/;
const EVENT_CHARS = 512;
/** Events whose periods are nanoseconds. */
const CLOCKS = /^(cpu-clock|task-clock)\b/;
const ADDRESS = /^\s+[0-9a-f]+\s+/;

/** Whether a text is what `perf script` prints: its first line that is no comment is an event. */
export function isPerfScript(text: string): boolean {
  const lines = text.split('\n', 200).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return matchEvent(lines[0] ?? '') !== null && lines.some((line) => frameOf(line) !== undefined);
}

/**
 * Parses what `perf script` prints. Samples without a stack have the name of their thread alone.
 * @throws ProfileError `PERF_SCRIPT_MALFORMED` if no sample is there, or its period is too large;
 *   `PPROF_LIMIT`
 */
export function parsePerfScript(text: string, limits: ProfileLimits = FILE_LIMITS): PerfScript {
  const events = new Map<string, OpenEvent>();
  let open: { event: OpenEvent; comm: string } | undefined;
  const unknown = { lines: 0, first: '' };
  const end = () => {
    if (!open) return;
    const { builder } = open.event;
    builder.push(builder.frameId(formatFrame({ name: open.comm })));
    builder.endReversedStack();
    open = undefined;
  };
  text.split('\n').forEach((line, i) => {
    if (line.startsWith('#')) return;
    if (line.trim() === '') {
      end();
      return;
    }
    const frame = open && frameOf(line);
    if (open && frame !== undefined) {
      const { builder } = open.event;
      builder.push(builder.frameId(frame));
      return;
    }
    const match = matchEvent(line);
    const shown = () => `line ${i + 1}: ${line.trim().slice(0, 80)}`;
    if (!match) {
      // Source lines (-F +srcline) and what newer versions print besides.
      if (unknown.lines++ === 0) unknown.first = shown();
      return;
    }
    end();
    const [, comm, period, name] = match as unknown as [string, string, string?, string?];
    const value = period === undefined ? 1 : Number(period);
    if (!Number.isSafeInteger(value)) fail(`the period is not below 2^53 in ${shown()}`);
    const event = eventOf(events, (name as string).replace(/:[ukhpPGHSDIWeb]*$/, ''), limits);
    event.hasPeriods &&= period !== undefined;
    event.values.push(value);
    open = { event, comm };
  });
  end();
  if (events.size === 0) fail('it has no line such as `comm 123 [001] 45.6: 1 cycles:`');
  return { events: Array.from(events, closed), unknown };
}

interface OpenEvent {
  builder: StackColumnsBuilder;
  values: number[];
  /** Whether each sample had a period. */
  hasPeriods: boolean;
}

function eventOf(events: Map<string, OpenEvent>, name: string, limits: ProfileLimits): OpenEvent {
  let event = events.get(name);
  if (!event) {
    event = { builder: new StackColumnsBuilder(limits), values: [], hasPeriods: true };
    events.set(name, event);
  }
  return event;
}

function closed([name, { builder, values, hasPeriods }]: [string, OpenEvent]): PerfEvent {
  return {
    name,
    unit: hasPeriods && CLOCKS.test(name) ? 'nanoseconds' : 'count',
    stacks: builder.build(),
    values: Float64Array.from(values, (value) => (hasPeriods ? value : 1)),
  };
}

function matchEvent(line: string): RegExpExecArray | null {
  return EVENT.exec(line.slice(0, EVENT_CHARS));
}

/**
 * `        ffffffff81a0 do_syscall_64+0x5b ([kernel.kallsyms])` as a frame; without an offset if that
 * was not asked for. Undefined if the line is none.
 */
function frameOf(line: string): string | undefined {
  const start = ADDRESS.exec(line)?.[0].length;
  const text = line.trimEnd();
  if (start === undefined || !text.endsWith(')')) return undefined;
  // The parenthesis that is closed at the end. Functions and files have some of their own.
  let at = text.length;
  let depth = 0;
  do {
    at--;
    if (text[at] === ')') depth++;
    else if (text[at] === '(') depth--;
  } while (depth > 0 && at > start);
  if (depth > 0 || !/\s/.test(text[at - 1] as string)) return undefined;
  const symbol = text
    .slice(start, at)
    .trimEnd()
    .replace(/\+0x[0-9a-f]+$/, '');
  const place = text.slice(at + 1, -1);
  const isKernel = place.startsWith('[kernel') || place.startsWith('[guest.kernel');
  const module = isKernel ? '[kernel]' : place.slice(place.lastIndexOf('/') + 1);
  const isUnknown = symbol === '' || symbol === '[unknown]';
  return formatFrame({
    name: isUnknown ? `[${module.replace(/^\[|\]$/g, '')}]` : symbol,
    module: place === 'inlined' ? '' : module,
  });
}

function fail(what: string): never {
  throw new ProfileError('PERF_SCRIPT_MALFORMED', `not what perf script prints: ${what}`);
}
