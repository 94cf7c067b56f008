/** What a body can be made of to hold up a server: each format's way to do it, and the limit that ends it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { create, toBinary, toJsonString } from '@bufbuild/protobuf';
import type { Labels } from '@bunsen/profile';
import { LabelsSnapshotSchema } from '@bunsen/proto/jfr/labels';
import { ExportProfilesServiceRequestSchema } from '@bunsen/proto/otlp/v1_10/profiles';
import { PushRequestSchema } from '@bunsen/proto/push/v1/push';
import { readConfig } from '../config.ts';
import type { BunsenError } from '../errors.ts';
import { jfrOf } from '../testing/jfr-of.ts';
import { otlpOf } from '../testing/otlp-of.ts';
import { pprofOf } from '../testing/pprof-of.ts';
import { type BodySource, decodeBody, type StacksFormat } from './decode.ts';
import type { StacksRequest } from './formats/folded.ts';
import { type IngestLimits, LIMITS, type LimitName } from './limits.ts';
import { foldedTypeOf } from './profile-types.ts';

const LIMITS_BY_DEFAULT = readConfig({}).ingest;

/** A body, how it came, and the limits that may refuse it; or why the format cannot be used so. */
type Case = { body: Uint8Array; source: BodySource; limit: LimitName; gzipped?: boolean } | string;

interface Hazards {
  /** Few bytes that become many. */
  bomb: Case;
  /** 100 000 labels of a series. */
  labels: Case;
  /** A million and one texts, functions or whatever else a table has. */
  strings: Case;
  /** A stack of 10 000 frames. */
  depth: Case;
  /** What contains itself, or stands before itself. */
  cycle: Case;
  /** What is written once and referred to again and again, so that it stands for gigabytes. */
  reuse: Case;
}

const ZEROS = gzipSync(Buffer.alloc(LIMITS.profileBytes.default + 1));
const COUNT = 1_000_001;
const DEEP = Array.from({ length: 10_000 }, (_, i) => `f${i}`);
const SERVICE = { service_name: 'x' };
const MANY_LABELS: Labels = {
  ...SERVICE,
  ...Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`l${i}`, 'x'])),
};
const FLAT = 'none: nothing in it refers to what it is part of';
const TEXT = 'none: each frame is written out';

const utf8 = (text: string) => Buffer.from(text);

function stacksRequest(labels: Labels = SERVICE): StacksRequest {
  const { type } = foldedTypeOf('x');
  return { labels, type, sampleRate: 100, fromMs: undefined, untilMs: undefined };
}

/** Formats whose labels stand in the name of the application. */
function stacks(
  kind: StacksFormat,
  small: Uint8Array,
  bodies: { strings: [Uint8Array, LimitName]; depth: Uint8Array; reuse: Hazards['reuse'] },
): Hazards {
  const source: BodySource = { kind, request: stacksRequest() };
  const [strings, limit] = bodies.strings;
  return {
    bomb: { body: ZEROS, source, limit: 'profileBytes' },
    labels: { body: small, source: { kind, request: stacksRequest(MANY_LABELS) }, limit: 'labels' },
    strings: { body: strings, source, limit },
    depth: { body: bodies.depth, source, limit: 'stackDepth' },
    cycle: FLAT,
    reuse: bodies.reuse,
  };
}

/** A node of Pyroscope's tree or trie, with its children behind it. */
function node(name: string, value: number, children: number): Buffer {
  const text = utf8(name);
  return Buffer.concat([varint(text.length), text, varint(value), varint(children)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

function treeHazards(kind: 'tree' | 'trie'): Hazards {
  const end = kind === 'tree' ? '' : ';';
  const wide = Array.from({ length: COUNT }, (_, i) => node(`f${i}`, 1, 0));
  const deep = DEEP.map((name, i) => node(name + end, 1, i + 1 < DEEP.length ? 1 : 0));
  // Each of the leaves stands for a stack of all names above it.
  const long = Array.from({ length: 2000 }, () => node(`${'x'.repeat(99)}${end}`, 0, 1));
  const leaves = Array.from({ length: 500_000 }, (_, i) => node(`l${i}`, 1, 0));
  const small = Buffer.concat([node('', 0, 1), node('a', 1, 0)]);
  return stacks(kind, small, {
    strings: [Buffer.concat([node('', 0, COUNT), ...wide]), 'tableEntries'],
    depth: Buffer.concat([node('', 0, 1), ...deep]),
    reuse: {
      body: Buffer.concat([
        node('', 0, 1),
        ...long.slice(1),
        node(`x${end}`, 0, leaves.length),
        ...leaves,
      ]),
      source: { kind, request: stacksRequest() },
      limit: 'profileBytes',
    },
  });
}

function pprofHazards(source: BodySource, wrap: (pprof: Uint8Array) => Uint8Array): Hazards {
  const pprof = (folded: string, labels: Labels = SERVICE) => wrap(pprofOf(folded, { labels }));
  return {
    bomb: { body: wrap(ZEROS), source, limit: 'profileBytes' },
    labels: { body: pprof('a 1', MANY_LABELS), source, limit: 'sentLabels' },
    strings: {
      body: wrap(Buffer.concat([pprofOf('a 1', { labels: SERVICE }), emptyFields(6, COUNT)])),
      source,
      limit: 'tableEntries',
    },
    depth: { body: pprof(`${DEEP.join(';')} 1`), source, limit: 'stackDepth' },
    cycle: FLAT,
    // 20 000 times the location of 20 000 lines.
    reuse: { body: wrap(referringPprof()), source, limit: 'stackFrames' },
  };
}

/** Empty texts or messages: two bytes each. */
function emptyFields(field: number, count: number): Buffer {
  return Buffer.alloc(count * 2).fill(Buffer.from([field * 8 + 2, 0]));
}

function referringPprof(): Buffer {
  const field = (number: number, body: Buffer) =>
    Buffer.concat([varint(number * 8 + 2), varint(body.length), body]);
  const one = Buffer.from([8, 1]); // field 1 = 1
  const line = field(4, one);
  return Buffer.concat([
    field(1, Buffer.from([8, 1, 16, 1])),
    field(2, Buffer.concat([field(1, Buffer.alloc(20_000, 1)), Buffer.from([16, 1])])),
    field(4, Buffer.concat([one, ...Array.from({ length: 20_000 }, () => line)])),
    field(5, Buffer.from([8, 1, 16, 1])),
    field(6, Buffer.alloc(0)),
    field(6, utf8('cpu')),
  ]);
}

function pushHazards(encoding: 'protobuf' | 'json'): Hazards {
  const source: BodySource = { kind: 'push-request', encoding };
  const wrap = (rawProfile: Uint8Array) => {
    const labels = [{ name: 'service_name', value: 'x' }];
    const series = [{ labels, samples: [{ rawProfile: rawProfile as Uint8Array<ArrayBuffer> }] }];
    const request = create(PushRequestSchema, { series });
    return encoding === 'json'
      ? utf8(toJsonString(PushRequestSchema, request))
      : toBinary(PushRequestSchema, request);
  };
  return pprofHazards(source, wrap);
}

function otlpHazards(encoding: 'protobuf' | 'json'): Hazards {
  const source: BodySource = { kind: 'otlp', encoding };
  const encode = (request: ReturnType<typeof otlpOf>) => {
    const schema = ExportProfilesServiceRequestSchema;
    const message = create(schema, request);
    return encoding === 'json' ? utf8(toJsonString(schema, message)) : toBinary(schema, message);
  };
  const strings = otlpOf('a 1', { service: 'x' });
  strings.dictionary!.stringTable = [
    ...strings.dictionary!.stringTable!,
    ...new Array(COUNT).fill(''),
  ];
  // 20 000 times the location of 20 000 lines.
  const lines = otlpOf('a 1', { service: 'x' });
  const [location] = lines.dictionary!.locationTable!.slice(-1);
  location!.lines = new Array(20_000).fill({ functionIndex: 1 });
  lines.dictionary!.stackTable![1] = { locationIndices: new Array(20_000).fill(1) };
  return {
    bomb: { body: ZEROS, source, limit: 'profileBytes', gzipped: true },
    labels: {
      body: encode(otlpOf('a 1', { service: 'x', resource: MANY_LABELS })),
      source,
      limit: 'labels',
    },
    strings: { body: encode(strings), source, limit: 'tableEntries' },
    depth: {
      body: encode(otlpOf(`${DEEP.join(';')} 1`, { service: 'x' })),
      source,
      limit: 'stackDepth',
    },
    cycle: FLAT,
    reuse: { body: encode(lines), source, limit: 'stackFrames' },
  };
}

function speedscopeHazards(): Hazards {
  const file = (names: string[], profile: object) =>
    utf8(
      JSON.stringify({
        $schema: 'https://www.speedscope.app/file-format-schema.json',
        shared: { frames: names.map((name) => ({ name })) },
        profiles: [{ name: '', unit: 'none', startValue: 0, endValue: 1, ...profile }],
      }),
    );
  const sampled = (...samples: number[][]) => ({
    type: 'sampled',
    samples,
    weights: samples.map(() => 1),
  });
  const source = (labels: Labels): BodySource => ({
    kind: 'speedscope',
    request: { ...stacksRequest(labels), untyped: true },
  });
  const one = source(SERVICE);
  // 20 000 leaves below the same 2000 frames, which stay open all the time.
  const open = Array.from({ length: 2000 }, () => ({ type: 'O', at: 0, frame: 0 }));
  const leaves = Array.from({ length: 20_000 }, (_, i) => [
    { type: 'O', at: i, frame: i },
    { type: 'C', at: i + 1, frame: i },
  ]);
  const names = Array.from({ length: 20_000 }, (_, i) => `f${i}`);
  return {
    bomb: { body: ZEROS, source: one, limit: 'profileBytes' },
    labels: { body: file(['a'], sampled([0])), source: source(MANY_LABELS), limit: 'labels' },
    strings: {
      body: file(new Array(COUNT).fill('f'), sampled()),
      source: one,
      limit: 'tableEntries',
    },
    depth: { body: file(DEEP, sampled(DEEP.map((_, i) => i))), source: one, limit: 'stackDepth' },
    cycle: FLAT,
    reuse: {
      body: file(names, {
        type: 'evented',
        events: [...open, ...leaves.flat(), ...open.map(() => ({ type: 'C', at: 2e4, frame: 0 }))],
      }),
      source: one,
      limit: 'stackFrames',
    },
  };
}

function jfrHazards(): Hazards {
  const jfr = (snapshot?: Uint8Array): BodySource => ({
    kind: 'jfr',
    request: { labels: SERVICE, sampleRate: 100, fromMs: undefined, snapshot },
  });
  const source = jfr();
  const contextLabels = Object.fromEntries(
    Array.from({ length: 100_000 }, (_, i) => [`${i + 1}`, BigInt(i + 1)]),
  );
  const strings = Object.fromEntries(Object.keys(contextLabels).map((id) => [id, `l${id}`]));
  const snapshot = create(LabelsSnapshotSchema, {
    contexts: { 7: { labels: contextLabels } },
    strings,
  });
  return {
    bomb: { body: ZEROS, source, limit: 'profileBytes' },
    labels: {
      body: jfrOf([{ stack: 'a', contextId: 7 }]),
      source: jfr(toBinary(LabelsSnapshotSchema, snapshot)),
      limit: 'labels',
    },
    strings: {
      body: jfrOf(Array.from({ length: COUNT }, () => ({ stack: 'a' }))),
      source,
      limit: 'tableEntries',
    },
    depth: { body: jfrOf([{ stack: DEEP.join(';') }]), source, limit: 'stackDepth' },
    cycle: { body: jfrOf([{ stack: 'a' }], { cyclic: true }), source, limit: 'nesting' },
    reuse: 'none: a stack of its pool is read once',
  };
}

const many = Array.from({ length: 600 }, (_, line) =>
  Array.from({ length: 2000 }, (_, frame) => `f${line}_${frame}`).join(';'),
);
const FORMATS: Record<string, () => Hazards> = {
  pprof: () =>
    pprofHazards(
      {
        kind: 'pprof',
        request: {
          labels: SERVICE,
          sampleTypeConfig: {},
          fromMs: undefined,
        },
      },
      (pprof) => pprof,
    ),
  'pprof with labels': () => pprofHazards({ kind: 'labelled-pprof' }, (pprof) => pprof),
  groups: () =>
    stacks('groups', utf8('a 1'), {
      strings: [utf8(many.map((line) => `${line} 1`).join('\n')), 'tableEntries'],
      depth: utf8(`${DEEP.join(';')} 1`),
      reuse: TEXT,
    }),
  lines: () =>
    stacks('lines', utf8('a'), {
      strings: [utf8(many.join('\n')), 'tableEntries'],
      depth: utf8(DEEP.join(';')),
      reuse: TEXT,
    }),
  tree: () => treeHazards('tree'),
  trie: () => treeHazards('trie'),
  speedscope: speedscopeHazards,
  JFR: jfrHazards,
  Push: () => pushHazards('protobuf'),
  'Push in JSON': () => pushHazards('json'),
  OTLP: () => otlpHazards('protobuf'),
  'OTLP in JSON': () => otlpHazards('json'),
};

for (const [format, hazards] of Object.entries(FORMATS)) {
  test(`${format}: bombs, 100 000 labels, a million strings, 10 000 frames, cycles and re-use`, () => {
    for (const [hazard, one] of Object.entries(hazards()) as [keyof Hazards, Case][]) {
      if (typeof one === 'string') continue;
      const { body, source, limit, gzipped = false } = one;
      const decode = (limits: IngestLimits) => decodeBody(body, gzipped, source, limits);
      const { name } = LIMITS[limit];
      assert.throws(
        () => decode(LIMITS_BY_DEFAULT),
        ({ message }: BunsenError) =>
          message.includes(`(${name})`) && message.includes(`${LIMITS_BY_DEFAULT[limit]}`),
        `${hazard} of ${body.length} bytes`,
      );
    }
  });
}

/** Bodies that need exactly so much of a limit. */
const EXACTLY: Partial<Record<LimitName, [needed: number, body: Uint8Array]>> = {
  profileBytes: [pprofOf('a 1', { labels: SERVICE }).length, pprofOf('a 1', { labels: SERVICE })],
  values: [3, pprofOf('a 1\nb 1\nc 1', { labels: SERVICE })],
  series: [2, pprofOf('a 1\nb 1', { labelsOf: (line) => ({ ...SERVICE, pod: `p${line}` }) })],
  labels: [3, pprofOf('a 1', { labels: { ...SERVICE, a: '1', b: '2' } })],
  sentLabels: [2, pprofOf('a 1', { labels: { ...SERVICE, span_id: '9a517183f26a089d' } })],
  labelNameBytes: [30, pprofOf('a 1', { labels: { ...SERVICE, ['n'.repeat(30)]: '1' } })],
  labelValueBytes: [40, pprofOf('a 1', { labels: { ...SERVICE, pod: 'é'.repeat(20) } })],
  tableEntries: [14, pprofOf('a;b;c;d;e;f;g 1', { labels: SERVICE })],
  stackDepth: [4, pprofOf('a;b;c;d 1\na 1', { labels: SERVICE })],
  stackFrames: [2000, pprofOf('a;b 1\n'.repeat(1000), { labels: SERVICE })],
  frameBytes: [68, pprofOf(`${'é'.repeat(32)} 1`, { labels: SERVICE })],
  textChars: [2008, pprofOf(`${'a'.repeat(1000)};${'b'.repeat(1000)} 1`, { labels: SERVICE })],
};

for (const [limit, [needed, body]] of Object.entries(EXACTLY) as [
  LimitName,
  [number, Uint8Array],
][]) {
  test(`${LIMITS[limit].name} is what it is set to`, () => {
    const decode = (most: number) => {
      const limits = readConfig({ [LIMITS[limit].name]: `${most}` }).ingest;
      return decodeBody(body, false, { kind: 'labelled-pprof' }, limits);
    };
    assert.equal(decode(needed).length, 1);
    assert.throws(() => decode(needed - 1), new RegExp(`${needed - 1}.*${LIMITS[limit].name}`));
  });
}
