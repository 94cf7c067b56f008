/** Bodies of every format, and what chance makes of them: the same for the same number. */
import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { create, type DescMessage, type MessageShape, toBinary, toJson } from '@bufbuild/protobuf';
import * as v1_9 from '@bunsen/proto/otlp/v1_9/profiles';
import * as v1_10 from '@bunsen/proto/otlp/v1_10/profiles';
import { PushRequestSchema } from '@bunsen/proto/push/v1/push';
import type { BodySource } from '../ingest/decode.ts';
import { foldedTypeOf } from '../ingest/profile-types.ts';
import { jfrOf } from './jfr-of.ts';
import { otlpOf } from './otlp-of.ts';
import { pprofOf } from './pprof-of.ts';

/** A decoder, and well-formed bodies for it. */
export interface FuzzTarget {
  name: string;
  source: BodySource;
  seeds: Uint8Array[];
}

const FIXTURE = new URL('../../src/testing/fixtures/burn.jfr.gz', import.meta.url);
const FOLDED = 'main;parse;read 3\nmain;parse 12\nmain;eval;eval;eval 7\nmain;[unknown] 1\nλ;🔥 2';
const WHEN = { fromMs: 1_795_000_000_000, untilMs: 1_795_000_010_000 };
const LABELS = { service_name: 'fuzz' };
const STACKS = { ...WHEN, labels: LABELS, type: foldedTypeOf('fuzz').type, sampleRate: 100 };

export function fuzzTargets(): FuzzTarget[] {
  const pprofs = [
    pprofOf(FOLDED),
    pprofOf(FOLDED, { labelsOf: (line) => ({ service_name: 'fuzz', pod: `p${line % 3}` }) }),
    pprofOf(
      Array.from({ length: 300 }, (_, i) => `a${i % 7};b${i % 11};c${i} ${i + 1}`).join('\n'),
    ),
  ];
  const requests = [
    otlpOf(FOLDED, { service: 'fuzz', sample: { thread: 'main' } }),
    otlpOf(FOLDED, { timestamps: true, resource: { zone: 'a' } }),
  ];
  const schema = v1_10.ExportProfilesServiceRequestSchema;
  const json = requests.map((request) =>
    utf8(JSON.stringify(toJson(schema, create(schema, request)))),
  );
  const push = {
    series: pprofs.map((rawProfile) => ({
      labels: [{ name: 'service_name', value: 'fuzz' }],
      samples: [{ rawProfile: gzipSync(rawProfile) }, { rawProfile }],
    })),
  };
  const recording = gunzipSync(readFileSync(FIXTURE));
  return [
    { name: 'labelled-pprof', source: { kind: 'labelled-pprof' }, seeds: pprofs },
    {
      name: 'pprof',
      source: {
        kind: 'pprof',
        request: { labels: LABELS, sampleTypeConfig: {}, fromMs: WHEN.fromMs },
      },
      seeds: pprofs,
    },
    {
      name: 'pprof-difference',
      source: {
        kind: 'pprof',
        request: {
          labels: LABELS,
          sampleTypeConfig: {},
          fromMs: WHEN.fromMs,
          cumulative: ['cpu'],
          previous: pprofs[2],
        },
      },
      seeds: pprofs,
    },
    {
      name: 'push-request',
      source: { kind: 'push-request', encoding: 'protobuf' },
      seeds: [encoded(PushRequestSchema, push)],
    },
    {
      name: 'push-request-json',
      source: { kind: 'push-request', encoding: 'json' },
      seeds: [
        utf8(JSON.stringify(toJson(PushRequestSchema, create(PushRequestSchema, push as never)))),
      ],
    },
    {
      name: 'otlp',
      source: { kind: 'otlp', encoding: 'protobuf' },
      seeds: requests.flatMap((request) => [
        encoded(schema, request),
        encoded(v1_9.ExportProfilesServiceRequestSchema, request as never),
      ]),
    },
    { name: 'otlp-json', source: { kind: 'otlp', encoding: 'json' }, seeds: json },
    {
      name: 'jfr',
      source: {
        kind: 'jfr',
        request: { labels: LABELS, sampleRate: 100, fromMs: WHEN.fromMs, snapshot: undefined },
      },
      seeds: [
        recording,
        jfrOf([
          { stack: 'main;a', contextId: 1 },
          { stack: 'main;b;c', state: 'SLEEPING' },
        ]),
      ],
    },
    {
      name: 'speedscope',
      source: { kind: 'speedscope', request: { ...STACKS, untyped: true } },
      seeds: [utf8(JSON.stringify(SPEEDSCOPE))],
    },
    { name: 'groups', source: { kind: 'groups', request: STACKS }, seeds: [utf8(FOLDED)] },
    {
      name: 'lines',
      source: { kind: 'lines', request: STACKS },
      seeds: [utf8(FOLDED.replaceAll(/ \d+$/gm, ''))],
    },
    { name: 'tree', source: { kind: 'tree', request: STACKS }, seeds: [nested('main')] },
    { name: 'trie', source: { kind: 'trie', request: STACKS }, seeds: [nested('main;')] },
  ];
}

/** The number says which input it is. */
export function fuzzInput({ name, seeds }: FuzzTarget, number: number): Uint8Array {
  const chance = new Chance(`${name} ${number}`);
  if (chance.below(20) === 0) return chance.bytes(chance.below(2000));
  let bytes = chance.of(seeds);
  // What keeps its place is mostly still a body of that format, and gets further in.
  const mutations = chance.below(2) === 0 ? IN_PLACE : MUTATIONS;
  for (let left = 1 + chance.below(8); left > 0; left--) {
    bytes = chance.of(mutations)(bytes, chance, seeds);
  }
  return chance.below(10) === 0 ? gzipSync(bytes) : bytes;
}

type Mutation = (bytes: Uint8Array, chance: Chance, seeds: Uint8Array[]) => Uint8Array;

const AT_ITS_LIMIT = [
  Buffer.from('ffffffffffffffffff01', 'hex'),
  Buffer.from('ffffffff0f', 'hex'),
  Buffer.from('8080808080808080808001', 'hex'),
  ...['-1', '1e999', '9007199254740993', '99999999999999999999', '[', '{"', 'null', ';', '\n'].map(
    (text) => Buffer.from(text),
  ),
];

const IN_PLACE: Mutation[] = [
  (bytes, chance) => changed(bytes, chance, (byte) => byte ^ (1 << chance.below(8))),
  (bytes, chance) => changed(bytes, chance, () => chance.of([0, 1, 0x7f, 0x80, 0xff, 0x22])),
];

const MUTATIONS: Mutation[] = [
  ...IN_PLACE,
  (bytes, chance) => bytes.subarray(0, chance.below(bytes.length + 1)),
  (bytes, chance) => {
    const [from, to] = chance.range(bytes.length);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  (bytes, chance) => {
    const at = chance.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), chance.of(AT_ITS_LIMIT), bytes.subarray(at)]);
  },
  (bytes, chance) => {
    const at = chance.below(bytes.length + 1);
    const put = chance.of([chance.bytes(chance.below(64)), chance.of(AT_ITS_LIMIT)]);
    return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + put.length)]);
  },
  // A part again and again: tables, nesting and lists become long.
  (bytes, chance) => {
    const [from, to] = chance.range(bytes.length);
    const times = Math.min(1 << chance.below(16), Math.floor(MOST_BYTES / (to - from + 1)));
    const part = bytes.subarray(from, to);
    const again = Array.from({ length: times }, () => part);
    return Buffer.concat([bytes.subarray(0, to), ...again, bytes.subarray(to)]);
  },
  (bytes, chance, seeds) => {
    const other = chance.of(seeds);
    const at = chance.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), other.subarray(chance.below(other.length + 1))]);
  },
];
const MOST_BYTES = 4_000_000;

function changed(bytes: Uint8Array, chance: Chance, change: (byte: number) => number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = chance.below(copy.length);
  if (copy.length > 0) copy[at] = change(copy[at] as number);
  return copy;
}

/** Numbers from a seed (xorshift over a FNV-1a hash of it). */
class Chance {
  #state = 0x811c9dc5;

  constructor(seed: string) {
    for (const char of Buffer.from(seed)) this.#state = Math.imul(this.#state ^ char, 0x01000193);
    this.#state ||= 1;
  }

  /** 0 to `limit` - 1 */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return limit <= 1 ? 0 : (this.#state >>> 0) % limit;
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** From and to: often a few bytes, seldom most of them. */
  range(length: number): [from: number, to: number] {
    const from = this.below(length);
    return [from, Math.min(length, from + 1 + this.below(1 << this.below(12)))];
  }
}

const SPEEDSCOPE = {
  $schema: 'https://www.speedscope.app/file-format-schema.json',
  shared: { frames: [{ name: 'main' }, { name: 'parse', file: 'a.js', line: 3 }] },
  profiles: [
    {
      type: 'sampled',
      name: 'one',
      unit: 'milliseconds',
      startValue: 0,
      endValue: 10,
      samples: [[0], [0, 1]],
      weights: [4, 6],
    },
    {
      type: 'evented',
      name: 'two',
      unit: 'nanoseconds',
      startValue: 0,
      endValue: 9,
      events: [
        { type: 'O', frame: 0, at: 0 },
        { type: 'O', frame: 1, at: 2 },
        { type: 'C', frame: 1, at: 5 },
        { type: 'C', frame: 0, at: 9 },
      ],
    },
  ],
};

/** A tree or trie: a root without a name, a node, and three below it. */
function nested(name: string): Uint8Array {
  const node = (text: string, value: number, children: Buffer[]): Buffer =>
    Buffer.concat([
      Buffer.from([Buffer.byteLength(text)]),
      Buffer.from(text),
      Buffer.from([value, children.length]),
      ...children,
    ]);
  const leaves = ['a', 'bb', 'λ'].map((text, i) => node(text, i + 1, []));
  return node('', 0, [node(name, 5, leaves)]);
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function encoded<Desc extends DescMessage>(
  schema: Desc,
  init: Parameters<typeof create<Desc>>[1],
): Uint8Array {
  return toBinary(schema, create(schema, init) as MessageShape<Desc>);
}
