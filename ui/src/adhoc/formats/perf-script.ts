import { formatFrame, StackColumnsBuilder } from '@bunsen/profile';
import { type FileProfile, fail, type ReadFile } from './file-profile.ts';

/** `node 123/124 [001] 45.678901:   10101010 cpu-clock:pppH:  ` with or without most of it. */
const EVENT =
  /^\s*(\S.*?)\s+-?\d+(?:\/-?\d+)?\s+(?:\[\d+\]\s+)?(?:\d+\.\d+:\s+)?(?:(\d+)\s+)?([\w./=-]+(?::[\w./=-]*)*):\s*(.*)$/;
/** `        ffffffff81a0 do_syscall_64+0x5b ([kernel.kallsyms])`; without an offset if not asked for. */
const FRAME = /^\s+[0-9a-f]+\s+(.*?)(?:\+0x[0-9a-f]+)?\s+\(([^()]*(?:\([^()]*\))?[^()]*)\)\s*$/;

/** Events whose periods are nanoseconds. */
const CLOCKS = /^(cpu-clock|task-clock)\b/;

/** Whether a text is what `perf script` prints: its first line that is no comment is an event. */
export function isPerfScript(text: string): boolean {
  const lines = text.split('\n', 200).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return (
    lines.length > 0 && EVENT.test(lines[0] as string) && lines.some((line) => FRAME.test(line))
  );
}

interface Event {
  builder: StackColumnsBuilder;
  values: number[];
  /** Whether each sample had a period. */
  hasPeriods: boolean;
}

/**
 * What `perf script` prints: a profile for each event. The name of the thread stands below the root.
 * Samples without a stack have that alone.
 * @throws FileError if a sample is cut off or none is there
 */
export function readPerfScript(text: string): ReadFile {
  const events = new Map<string, Event>();
  let open: { event: Event; comm: string } | null = null;
  let unknown = 0;
  let firstUnknown = '';
  const end = () => {
    if (!open) return;
    const { builder } = open.event;
    builder.push(builder.frameId(formatFrame({ name: open.comm })));
    builder.endReversedStack();
    open = null;
  };
  text.split('\n').forEach((line, i) => {
    if (line.startsWith('#')) return;
    if (line.trim() === '') {
      end();
      return;
    }
    const frame = open && FRAME.exec(line);
    if (open && frame) {
      const { builder } = open.event;
      builder.push(builder.frameId(frameText(frame[1] as string, frame[2] as string)));
      return;
    }
    const match = EVENT.exec(line);
    if (!match) {
      // Source lines (-F +srcline) and what newer versions print besides.
      if (unknown++ === 0) firstUnknown = `line ${i + 1}: ${line.trim().slice(0, 80)}`;
      return;
    }
    end();
    const [, comm, period, name] = match as unknown as [string, string, string?, string?];
    const event = eventOf(events, (name as string).replace(/:[ukhpPGHSDIWeb]*$/, ''));
    event.hasPeriods &&= period !== undefined;
    event.values.push(period === undefined ? 1 : Number(period));
    open = { event, comm };
  });
  end();
  if (events.size === 0) fail('it has no line such as `comm 123 [001] 45.6: 1 cycles:`');
  const warnings =
    unknown > 0 ? [`${unknown} lines were left out, the first of them ${firstUnknown}`] : [];
  return { format: 'perf script', profiles: Array.from(events, profileOf), warnings };
}

function eventOf(events: Map<string, Event>, name: string): Event {
  let event = events.get(name);
  if (!event) {
    event = { builder: new StackColumnsBuilder(), values: [], hasPeriods: true };
    events.set(name, event);
  }
  return event;
}

function profileOf([name, { builder, values, hasPeriods }]: [string, Event]): FileProfile {
  return {
    name,
    unit: hasPeriods && CLOCKS.test(name) ? 'nanoseconds' : 'count',
    stacks: builder.build(),
    values: Float64Array.from(values, (value) => (hasPeriods ? value : 1)),
    range: null,
  };
}

function frameText(symbol: string, place: string): string {
  const isKernel = place.startsWith('[kernel') || place.startsWith('[guest.kernel');
  const module = isKernel ? '[kernel]' : place.slice(place.lastIndexOf('/') + 1);
  const isUnknown = symbol === '' || symbol === '[unknown]';
  return formatFrame({
    name: isUnknown ? `[${module.replace(/^\[|\]$/g, '')}]` : symbol,
    module: place === 'inlined' ? '' : module,
  });
}
