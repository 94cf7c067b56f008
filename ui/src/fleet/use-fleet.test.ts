import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromSeries } from './use-fleet.ts';

test('services from their values over time', () => {
  const services = fromSeries({
    unit: 'nanoseconds',
    fromMs: 1000,
    untilMs: 4000,
    stepMs: 1000,
    series: [
      { labels: { service_name: 'small' }, values: [1, 2, null] },
      { labels: { service_name: 'large' }, values: [null, null, 9] },
    ],
    warnings: [],
  });
  assert.deepEqual(
    services.map(({ service, total, lastSeenMs }) => ({ service, total, lastSeenMs })),
    [
      { service: 'large', total: 9, lastSeenMs: 4000 },
      { service: 'small', total: 3, lastSeenMs: 3000 },
    ],
  );
});
