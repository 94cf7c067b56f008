import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readConfig } from '../config.ts';
import type { BunsenError } from '../errors.ts';
import { type ProfileBatch, sizeBytesOf } from '../store/profile-batch.ts';
import { ProfileStore, type WriteResult } from '../store/profile-store.ts';
import { pprofOf } from '../testing/pprof-of.ts';
import { TestServer } from '../testing/test-server.ts';
import { Ingester } from './ingester.ts';

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

const LIMITS = readConfig({}).ingest;

/** A store that writes nothing until it may. */
class StalledStore extends ProfileStore {
  readonly held: ProfileBatch[] = [];
  #go = () => {};
  readonly #until = new Promise<void>((resolve) => {
    this.#go = resolve;
  });

  override async write(batch: ProfileBatch): Promise<WriteResult> {
    this.held.push(batch);
    await this.#until;
    return super.write(batch);
  }

  go(): void {
    this.#go();
  }
}

test('a store that stalls: memory stays bounded, the rest is refused, what was admitted is stored', async () => {
  const inFlightBytes = 1e6;
  const store = new StalledStore(server.app.store, server.app.rollups);
  let stored = 0;
  const ingester = new Ingester(store, {
    limits: LIMITS,
    inFlightBytes,
    threads: 1,
    onStored: (samples) => {
      stored += samples;
    },
    onCumulative: () => {},
  });
  const folded = Array.from({ length: 2000 }, (_, i) => `main;f${i} 1`).join('\n');
  const body = Buffer.from(pprofOf(folded, { labels: { service_name: 'stalled' } }));
  const pushes: Promise<unknown>[] = [];
  let refused: BunsenError | undefined;
  while (!refused) {
    try {
      const room = ingester.room();
      room.grow(body.length);
      const push = ingester.push(body, false, { kind: 'labelled-pprof' }, undefined);
      pushes.push(push.finally(room.release));
    } catch (error) {
      refused = error as BunsenError;
    }
  }
  assert.equal(refused.code, 'INGEST_BUSY');
  assert.equal(refused.retryAfterSeconds, 1);
  // Until nothing more is decoded, however long the store takes.
  let before = -1;
  while (store.held.length !== before || before === 0) {
    before = store.held.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  assert.ok(before < pushes.length, `${before} of ${pushes.length} are decoded`);
  const each = sizeBytesOf(store.held[0] as ProfileBatch);
  const held = store.held.reduce((sum, batch) => sum + sizeBytesOf(batch), 0);
  assert.ok(held <= inFlightBytes / 2 + 3 * each, `${held} bytes are held`);
  assert.throws(() => ingester.room().grow(1), { code: 'INGEST_BUSY' });
  store.go();
  await Promise.all(pushes);
  assert.equal(stored, pushes.length * 2000);
  assert.equal(ingester.inFlightBytes, 0);
  await ingester.close();
});
