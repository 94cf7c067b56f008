/** Writes JFR chunks as async-profiler does, for what the fixture of the JDK does not have. */

interface Field {
  name: string;
  class: number;
  pooled?: boolean;
  isArray?: boolean;
}

const [LONG, STRING, STATE, STACK, FRAME, METHOD, CLASS, SYMBOL, SAMPLE, SETTING] = [
  10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
] as const;

const CLASSES: [id: number, name: string, fields: Field[]][] = [
  [LONG, 'long', []],
  [STRING, 'java.lang.String', []],
  [STATE, 'jdk.types.ThreadState', [{ name: 'name', class: STRING }]],
  [STACK, 'jdk.types.StackTrace', [{ name: 'frames', class: FRAME, isArray: true }]],
  [FRAME, 'jdk.types.StackFrame', [{ name: 'method', class: METHOD, pooled: true }]],
  [
    METHOD,
    'jdk.types.Method',
    [
      { name: 'type', class: CLASS, pooled: true },
      { name: 'name', class: SYMBOL, pooled: true },
    ],
  ],
  [CLASS, 'java.lang.Class', [{ name: 'name', class: SYMBOL, pooled: true }]],
  [SYMBOL, 'jdk.types.Symbol', [{ name: 'string', class: STRING }]],
  [
    SAMPLE,
    'jdk.ExecutionSample',
    [
      { name: 'stackTrace', class: STACK, pooled: true },
      { name: 'state', class: STATE, pooled: true },
      { name: 'contextId', class: LONG },
    ],
  ],
  [
    SETTING,
    'jdk.ActiveSetting',
    [
      { name: 'name', class: STRING },
      { name: 'value', class: STRING },
    ],
  ],
];

/** The first class of those of {@link JfrOptions.hollow}. */
const HOLLOW = 100;

export interface JfrOptions {
  /** What is sampled by: cpu, itimer, wall … */
  mode?: string;
  /** A field of this class that makes it contain itself. */
  cyclic?: boolean;
  /** Classes of which each has the next one twice, and the last one nothing. */
  hollow?: number;
  /** Distance to the checkpoint before, where there is none. */
  back?: bigint;
}

/** One chunk: each sample has a stack, root first, of methods of the class `App`. */
export function jfrOf(
  samples: { stack: string; state?: 'RUNNABLE' | 'SLEEPING'; contextId?: number }[],
  { mode = 'cpu', cyclic = false, hollow = 0, back = 0n }: JfrOptions = {},
): Buffer {
  const symbols: string[] = ['App'];
  const symbol = (text: string) =>
    symbols.includes(text) ? symbols.indexOf(text) + 1 : symbols.push(text);
  const stacks = samples.map(({ stack }) => stack.split(';').reverse().map(symbol));
  const pool = (id: number, entries: Buffer[]) =>
    Buffer.concat([
      long(id),
      long(entries.length),
      ...entries.flatMap((entry, i) => [long(i + 1), entry]),
    ]);
  const checkpoint = eventOf(
    1,
    long(1),
    long(0),
    long(BigInt.asUintN(64, back)),
    Buffer.from([0]),
    long(5),
    pool(STATE, [text('STATE_RUNNABLE'), text('STATE_SLEEPING')]),
    pool(
      STACK,
      stacks.map((frames) => Buffer.concat([long(frames.length), ...frames.map(long)])),
    ),
    pool(
      METHOD,
      symbols.map((_, i) => Buffer.concat([long(1), long(i + 1)])),
    ),
    pool(CLASS, [long(1)]),
    pool(SYMBOL, symbols.map(text)),
  );
  const first = [
    ...(cyclic ? [{ name: 'self', class: SAMPLE }] : []),
    ...(hollow > 0 ? [{ name: 'hollow', class: HOLLOW }] : []),
  ];
  const classes = CLASSES.map(([id, name, fields]): (typeof CLASSES)[number] =>
    id === SAMPLE ? [id, name, [...first, ...fields]] : [id, name, fields],
  );
  for (let i = 0; i < hollow; i++) {
    const next = { class: HOLLOW + i + 1 };
    const fields = i + 1 < hollow ? ['a', 'b'].map((name) => ({ name, ...next })) : [];
    classes.push([HOLLOW + i, `Hollow${i}`, fields]);
  }
  const metadata = metadataOf(classes);
  const events = [
    eventOf(SETTING, text('event'), text(mode)),
    ...samples.map(({ state = 'RUNNABLE', contextId = 0 }, i) =>
      eventOf(SAMPLE, long(i + 1), long(state === 'RUNNABLE' ? 1 : 2), long(contextId)),
    ),
  ];
  const header = Buffer.alloc(68);
  header.write('FLR\0', 'latin1');
  header.writeUInt16BE(2, 4);
  const body = Buffer.concat([checkpoint, metadata, ...events]);
  header.writeBigUInt64BE(BigInt(68 + body.length), 8);
  header.writeBigUInt64BE(68n, 16);
  header.writeBigUInt64BE(BigInt(68 + checkpoint.length), 24);
  header.writeBigUInt64BE(BigInt(Date.now()) * 1_000_000n, 32);
  header.writeBigUInt64BE(1_000_000_000n, 40);
  header.writeBigUInt64BE(1_000_000_000n, 56);
  header.writeUInt32BE(1, 64);
  return Buffer.concat([header, body]);
}

function metadataOf(classes: typeof CLASSES): Buffer {
  const strings: string[] = [];
  const string = (value: string) =>
    long(strings.includes(value) ? strings.indexOf(value) : strings.push(value) - 1);
  const element = (
    name: string,
    attributes: Record<string, string>,
    children: Buffer[] = [],
  ): Buffer =>
    Buffer.concat([
      string(name),
      long(Object.keys(attributes).length),
      ...Object.entries(attributes).flatMap(([key, value]) => [string(key), string(value)]),
      long(children.length),
      ...children,
    ]);
  const root = element('root', {}, [
    element(
      'metadata',
      {},
      classes.map(([id, name, fields]) =>
        element(
          'class',
          { id: String(id), name },
          fields.map(({ name, class: id, pooled, isArray }) =>
            element('field', {
              name,
              class: String(id),
              ...(pooled && { constantPool: 'true' }),
              ...(isArray && { dimension: '1' }),
            }),
          ),
        ),
      ),
    ),
  ]);
  return eventOf(0, long(1), long(0), long(1), long(strings.length), ...strings.map(text), root);
}

/** Its size has four bytes, of which it counts itself. */
function eventOf(id: number, ...fields: Buffer[]): Buffer {
  const body = Buffer.concat([long(id), ...fields]);
  const size = body.length + 4;
  const bytes = [size & 127, (size >> 7) & 127, (size >> 14) & 127].map((byte) => byte | 128);
  return Buffer.concat([Buffer.from([...bytes, size >> 21]), body]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([3]), long(bytes.length), bytes]);
}

function long(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  while (rest >= 128n && bytes.length < 8) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}
