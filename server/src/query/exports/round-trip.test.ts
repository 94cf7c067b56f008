/** Whatever pprof comes in goes out equal, once stacks are put together that differ in labels alone. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { API, type ProfileTypesResponse } from '@bunsen/profile';
import {
  Function as Fn,
  Label,
  Line,
  Location,
  Mapping,
  Profile,
  Sample,
  StringTable,
  ValueType,
} from 'pprof-format';
import { searchOf, TestServer } from '../../testing/test-server.ts';

const PROFILES = 40;

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

/** Numbers and choices that a seed decides. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  list<T>(length: number, item: (index: number) => T): T[] {
    return Array.from({ length }, (_, index) => item(index));
  }
}

const NAMES = ['main', 'a b', 'std::vector<int, std::allocator<int>>::push_back', 'λ', '🔥;x', 'x'];
const FILES = ['', '/src/main.c', 'C:\\app\\main.cs', '/src/ü.rs'];
const BINARIES = ['/usr/bin/app', '/usr/lib/libc.so.6', '', '/opt/a b/x'];
const TYPES: [type: string, unit: string][] = [
  ['samples', 'count'],
  ['cpu', 'nanoseconds'],
  ['alloc_space', 'bytes'],
];
const BIG = 2n ** 61n;

/** A profile of everything that a pprof can say of stacks; sometimes without a single sample. */
function profileOf(seed: number, timeMs: number): Profile {
  const random = new Random(seed);
  const strings = new StringTable();
  const text = (value: string) => strings.dedup(value);
  const valueType = ([type, unit]: [string, string]) =>
    new ValueType({ type: text(type), unit: text(unit) });
  const mapping = random.list(1 + random.below(4), (i) => {
    const [filename, buildId] = [text(random.of(BINARIES)), text(random.of(['', `b${i}`]))];
    return new Mapping({ id: i + 1, filename, buildId });
  });
  const fn = random.list(1 + random.below(30), (i) => {
    const name = text(random.below(20) === 0 ? 'n'.repeat(500) : `${random.of(NAMES)}${i % 9}`);
    return new Fn({ id: i + 1, name, systemName: name, filename: text(random.of(FILES)) });
  });
  const location = random.list(1 + random.below(60), (i) => {
    const line = random.list(random.of([0, 1, 1, 1, 2, 3]), () => {
      const functionId = 1 + random.below(fn.length);
      return new Line({ functionId, line: random.of([0, 1, 77, 2 ** 31]) });
    });
    const mappingId = random.below(mapping.length + 1);
    // What has no name is told apart by its address.
    const address = line.length === 0 ? BigInt(4096 * (i + 1)) << BigInt(random.below(40)) : 0n;
    return new Location({ id: i + 1, mappingId, address, line });
  });
  const types = TYPES.slice(random.below(3));
  // All values of a type together must be below 2^63.
  const large = random.of([0n, BIG, -BIG]) + BigInt(random.below(1000));
  const value = (sample: number) =>
    sample === 0
      ? large
      : random.of([0n, 1n, -1n, 10_000_000n]) * BigInt(1 + random.below(2 ** 31));
  const sample = random.list(random.of([0, 1, 5, 200]), (index) => {
    const label = [new Label({ key: text('pod'), str: text(`p${random.below(3)}`) })];
    const locationId = random.list(
      random.of([1, 2, 8, 300]),
      () => 1 + random.below(location.length),
    );
    return new Sample({ locationId, value: types.map(() => value(index)), label });
  });
  return new Profile({
    sampleType: types.map(valueType),
    periodType: valueType(['cpu', 'nanoseconds']),
    period: 10_000_000,
    timeNanos: BigInt(timeMs) * 1_000_000n,
    mapping,
    function: fn,
    location,
    sample,
    stringTable: strings,
  });
}

/** Per sample type: the sum of each stack, spelled out leaf first; no sums of 0. */
function sumsOf(profile: Profile): Map<string, Map<string, bigint>> {
  const text = (index: number | bigint) => profile.stringTable.strings[Number(index)] as string;
  const frames = new Map(
    profile.location.map(({ id, address, mappingId, line }) => {
      const mapping = profile.mapping.find((each) => each.id === mappingId);
      const module = mapping ? (text(mapping.filename).split('/').at(-1) as string) : '';
      const hex = `0x${BigInt(address).toString(16)}`;
      const unnamed = module === '' ? hex : `${module}+${hex}`;
      const buildId = mapping ? text(mapping.buildId) : '';
      if (line.length === 0) return [id, [JSON.stringify([unnamed, module, '', 0, buildId])]];
      const spelled = line.map(({ functionId, line }) => {
        const named = profile.function.find((each) => each.id === functionId) as Fn;
        const name = text(named.name);
        const kept = name === unnamed ? buildId : '';
        return JSON.stringify([name, module, text(named.filename), Number(line), kept]);
      });
      return [id, spelled];
    }) as [number, string[]][],
  );
  const sums = profile.sampleType.map(() => new Map<string, bigint>());
  for (const { locationId, value } of profile.sample) {
    const stack = locationId.flatMap((id) => frames.get(id as number) as string[]).join('\n');
    for (const [type, each] of value.entries()) {
      const of = sums[type] as Map<string, bigint>;
      of.set(stack, (of.get(stack) ?? 0n) + BigInt.asIntN(64, BigInt(each)));
    }
  }
  return new Map(
    profile.sampleType.map(({ type }, i) => [
      text(type),
      new Map([...(sums[i] as Map<string, bigint>)].filter(([, sum]) => sum !== 0n).sort()),
    ]),
  );
}

test(`${PROFILES} profiles of all kinds come out as they went in`, async () => {
  const timeMs = Date.now() - 60_000;
  const sent = Array.from({ length: PROFILES }, (_, seed) => profileOf(seed, timeMs));
  for (const [seed, profile] of sent.entries()) {
    const response = await server.fetch(`/ingest?name=round-trip-${seed}&format=pprof`, {
      method: 'POST',
      body: profile.encode() as Uint8Array<ArrayBuffer>,
    });
    assert.equal(response.status, 200, `${seed}: ${await response.text()}`);
  }
  const { profileTypes } = await server.get<ProfileTypesResponse>(API.profileTypes);
  let stacks = 0;
  for (const [seed, profile] of sent.entries()) {
    for (const [type, expected] of sumsOf(profile)) {
      // Which of the names a type has depends on what else is in the profile.
      const answers: [string, bigint][] = [];
      for (const { id } of profileTypes.filter(({ sampleType }) => sampleType === type)) {
        const query = `${id}{service_name="round-trip-${seed}"}`;
        const response = await server.fetch(`${API.pprof}?${searchOf({ query, from: 'now-10m' })}`);
        const answer = Profile.decode(gunzipSync(await response.arrayBuffer()));
        answers.push(...(sumsOf(answer).get(type) ?? []));
      }
      assert.deepEqual(new Map(answers), expected, `${seed} ${type}`);
      stacks += expected.size;
    }
  }
  assert.ok(stacks > 1000, `${stacks} stacks`);
});
