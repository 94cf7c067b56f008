import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission } from './admission.ts';

test('some run, some wait, the rest are told when to come back', async () => {
  const admission = new Admission({ running: 2, waiting: 3 });
  let running = 0;
  let most = 0;
  const ends: (() => void)[] = [];
  const query = async () => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => ends.push(resolve));
    running--;
  };
  const gone = new AbortController();
  const admitted = [1, 2, 3, 4].map(() => admission.run(query));
  const abandoned = admission.run(() => assert.fail('nobody waits for this one'), gone.signal);
  await new Promise(setImmediate);
  assert.throws(() => admission.run(query), {
    code: 'QUERIES_BUSY',
    message: /2 flame graphs are being made and 3 wait/,
    retryAfterSeconds: 5,
  });
  gone.abort(new Error('the client is gone'));
  const refusal = assert.rejects(abandoned, /the client is gone/);
  while (running > 0) {
    ends.shift()?.();
    await new Promise(setImmediate);
  }
  await Promise.all([...admitted, refusal]);
  assert.equal(most, 2);
});
