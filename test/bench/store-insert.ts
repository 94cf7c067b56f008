import { CPU_PROFILE_TYPE, SERVICE_NAME } from '@bunsen/profile';
import {
  type BatchSource,
  encodeBatch,
  type ProfileBatch,
} from '@bunsen/server/store/profile-batch';
import { openEmbedded } from './open-embedded.ts';
import { PLAIN_TABLE, type PlainRow } from './plain-rows.ts';
import { cpuSecondsOf } from './process-stats.ts';
import { type Cleanups, type Figure, median } from './report.ts';
import { samplesOf } from './store-load.ts';

/** Of one insert of JSON: more would need a text that is too long. */
const JSON_ROWS = 100_000;

/**
 * Ready blocks into every table that a push writes, as many at a time as come, against ready objects of the same
 * rows as JSON into one plain table: by turns, in a store of their own.
 * @param pushes enough for all rounds and one to warm up
 */
export async function insertFigures(
  t: Cleanups,
  pushes: Iterator<BatchSource>,
  { rounds, rows }: { rounds: number; rows: number },
): Promise<Figure[]> {
  const { store, profiles } = await openEmbedded(t);
  await store.command(PLAIN_TABLE);
  const pid = store.embeddedPid as number;

  const figures = { native: new Rates(pid), json: new Rates(pid) };
  for (let round = 0; round <= rounds; round++) {
    const sources: BatchSource[] = [];
    for (let samples = 0; samples < rows; ) {
      const push = pushes.next().value as BatchSource | undefined;
      if (!push) throw new Error('too few pushes for the rounds');
      sources.push(push);
      samples += push.profile.sampleStack.length;
    }
    // Their stacks are known, as they are but in the first minutes of a week.
    await Promise.all(
      sources.map((push) => profiles.write(encodeBatch(earlier(push), profiles.seen))),
    );
    const batches: ProfileBatch[] = [];
    const objects: PlainRow[] = [];
    for (const push of sources) {
      const batch = encodeBatch(push, profiles.seen);
      batches.push(batch);
      for (const row of plainRowsOf(push, samplesOf(batch, push.timeMs))) objects.push(row);
    }
    const native = () => Promise.all(batches.map((batch) => profiles.write(batch)));
    const json = async () => {
      for (let at = 0; at < objects.length; at += JSON_ROWS) {
        await store.insertJson('plain', objects.slice(at, at + JSON_ROWS));
      }
    };
    if (round === 0) {
      await native();
      await json();
      continue;
    }
    await figures.native.add(objects.length, native);
    await figures.json.add(objects.length, json);
  }
  const [native, json] = [figures.native, figures.json];
  return [
    { name: 'insert.native', value: median(native.perSecond), unit: 'rows/s' },
    { name: 'insert.json', value: median(json.perSecond), unit: 'rows/s', note: 'one plain table' },
    {
      name: 'insert.ratio',
      value: median(native.perSecond.map((rate, i) => rate / (json.perSecond[i] as number))),
      unit: 'x',
      bar: '>= 1.5',
    },
    { name: 'insert.native_cpu', value: median(native.cpuMicros), unit: 'µs a row' },
    { name: 'insert.json_cpu', value: median(json.cpuMicros), unit: 'µs a row' },
  ];
}

function earlier(push: BatchSource): BatchSource {
  return { ...push, timeMs: push.timeMs - 3_600_000, pushId: push.pushId ^ 1n };
}

/** Rows a second of rounds, and what the store's process took for each row. */
class Rates {
  readonly perSecond: number[] = [];
  readonly cpuMicros: number[] = [];
  readonly #pid: number;

  constructor(pid: number) {
    this.#pid = pid;
  }

  async add(rows: number, insert: () => Promise<unknown>): Promise<void> {
    const cpuBefore = cpuSecondsOf(this.#pid);
    const begin = performance.now();
    await insert();
    this.perSecond.push((rows / (performance.now() - begin)) * 1000);
    this.cpuMicros.push(((cpuSecondsOf(this.#pid) - cpuBefore) / rows) * 1e6);
  }
}

function plainRowsOf(push: BatchSource, rows: ReturnType<typeof samplesOf>): PlainRow[] {
  const { labelSets, sampleLabels } = push.profile;
  return Array.from(rows.stack, (stack, row) => {
    const labels = labelSets[sampleLabels[row] as number] as Record<string, string>;
    return {
      service: labels[SERVICE_NAME] as string,
      type: CPU_PROFILE_TYPE,
      ts: push.timeMs,
      labels,
      stack: String(stack),
      value: String(rows.value[row]),
    };
  });
}
