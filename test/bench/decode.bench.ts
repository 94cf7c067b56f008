// What one core decodes: gzipped pprof to columns with hashed stacks, as a push is before it is
// stored. Beside it the same columns by way of pprof-format, and that library's decoding alone. Seconds
// are of CPU time, those of garbage collection in other threads included: rows/s of one core.
import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import { decodePprof } from '@bunsen/profile';
import { hashStacks } from '@bunsen/server/store/content-hash';
import { Profile } from 'pprof-format';
import { Fleet } from './fleet.ts';
import { pprofOfWindow } from './fleet-pprof.ts';
import { columnsOfObjects } from './pprof-columns.ts';
import { type Figure, median, parseSize, report } from './report.ts';

const size = parseSize();
const full = size === 'full';
const ROUNDS = full ? 15 : 7;
/** Of each way in each round. */
const ROUND_MS = full ? 2000 : 300;
const SAMPLES = 1000;
const WINDOWS = 16;

// More functions than a window shows of them, as there are always some that did not run: 3,000 do.
const fleet = new Fleet({ seed: 1, functions: 3090, stacks: () => 6000, depth: [30, 40] });
const bodies = Array.from({ length: WINDOWS }, (_, host) => {
  const labels = { service_name: 'api', host: `host-${host}`, container: 'api-0' };
  const pods = [{ service: 'api', labels, samples: SAMPLES }];
  return pprofOfWindow(fleet.window({ pods, number: host, timeMs: 1.7e12 }));
});
const messages = bodies.map((body) => gunzipSync(body));

const WAYS = {
  columns: (body: Buffer) => hashStacks(decodePprof(gunzipSync(body))),
  objects: (body: Buffer) => hashStacks(columnsOfObjects(gunzipSync(body))),
  objects_decode: (body: Buffer) => Profile.decode(gunzipSync(body)),
  gunzip: (body: Buffer) => gunzipSync(body),
};
type Way = keyof typeof WAYS;
const ways = Object.keys(WAYS) as Way[];

const first = messages[0] as Buffer;
const { frames, stackFrames } = decodePprof(first);
console.log(
  `${WINDOWS} windows of ${SAMPLES} samples, ${frames.length} functions in one, depth ${stackFrames.length / SAMPLES}: ${(bodies[0] as Buffer).length} bytes, ${first.length} inflated`,
);
for (const message of messages) {
  assert.deepEqual(decodedOf(decodePprof(message)), decodedOf(columnsOfObjects(message)));
}

for (const way of ways) rowsPerSecond(way); // code becomes compiled
const rates: Record<Way, number[]> = { columns: [], objects: [], objects_decode: [], gunzip: [] };
for (let round = 0; round < ROUNDS; round++) {
  for (const way of ways) rates[way].push(rowsPerSecond(way));
}
const ratioTo = (way: Way) => median(rates.columns.map((rate, i) => rate / (rates[way][i] ?? 0)));

const figure = (way: Way, note: string): Figure => ({
  name: way,
  value: median(rates[way]),
  unit: 'rows/s',
  note,
});
report('decode', size, [
  { ...figure('columns', 'gunzip, decodePprof, hashStacks'), bar: '>= 250000' },
  figure('objects', 'the same by way of pprof-format'),
  figure('objects_decode', "gunzip and pprof-format's decode alone"),
  figure('gunzip', 'alone, a part of each'),
  { name: 'ratio', value: ratioTo('objects'), unit: 'x', bar: '>= 4', note: 'to objects' },
  { name: 'ratio_decode', value: ratioTo('objects_decode'), unit: 'x', note: 'to objects_decode' },
  { name: 'rounds', value: ROUNDS, unit: '', note: 'medians of them' },
]);

function rowsPerSecond(way: Way): number {
  const decode = WAYS[way];
  const begin = process.cpuUsage();
  for (let rows = SAMPLES * WINDOWS; ; rows += SAMPLES * WINDOWS) {
    for (const body of bodies) decode(body);
    const { user, system } = process.cpuUsage(begin);
    if (user + system >= ROUND_MS * 1000) return (rows / (user + system)) * 1e6;
  }
}

/** What two ways must agree on, however they number frames and stacks. */
function decodedOf(columns: ReturnType<typeof columnsOfObjects>): unknown[] {
  const hashes = hashStacks(columns);
  return Array.from(columns.sampleStack, (stack, sample) => [
    hashes[stack],
    columns.labelSets[columns.sampleLabels[sample] as number],
    columns.sampleValues[sample],
  ]);
}
