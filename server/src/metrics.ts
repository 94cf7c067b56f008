import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What `GET /metrics` tells, beside Node's own figures (memory, event-loop delay, collections). */
export class Metrics {
  readonly registry = new Registry();
  readonly requests = new Histogram({
    name: 'bunsen_http_request_duration_seconds',
    help: 'Time until a reply was sent, by route and status.',
    labelNames: ['route', 'status'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30],
    registers: [this.registry],
  });
  readonly samplesStored = new Counter({
    name: 'bunsen_samples_stored_total',
    help: 'Samples of pushes that were stored.',
    registers: [this.registry],
  });
  readonly duplicatePushes = new Counter({
    name: 'bunsen_duplicate_pushes_total',
    help: 'Pushes that were stored before, by their idempotency key.',
    registers: [this.registry],
  });
  readonly groupPushes = new Histogram({
    name: 'bunsen_insert_pushes',
    help: 'Pushes that were written together, in one insert per table.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
    registers: [this.registry],
  });
  readonly rejectedPushes = new Counter({
    name: 'bunsen_rejected_pushes_total',
    help: 'Pushes that were not stored, by the code of the reply.',
    labelNames: ['reason'],
    registers: [this.registry],
  });
  readonly cumulativeDropped = new Counter({
    name: 'bunsen_cumulative_dropped_profiles_total',
    help: 'Cumulative profiles that were not counted, but only kept for the difference to the next one.',
    labelNames: ['reason'],
    registers: [this.registry],
  });
  readonly cumulativeClamped = new Counter({
    name: 'bunsen_cumulative_clamped_stacks_total',
    help: 'Stacks of cumulative profiles that had more in prev_profile than after it, and count as 0.',
    registers: [this.registry],
  });
  readonly inFlightBytes = new Gauge({
    name: 'bunsen_ingest_in_flight_bytes',
    help: 'Bytes of bodies, and of what they became, that are held while they are stored.',
    registers: [this.registry],
  });
  readonly rollupOpen = new Gauge({
    name: 'bunsen_rollup_open_buckets',
    help: 'Minutes, hours or days of a rollup that are read from what they will be made of.',
    labelNames: ['rollup'],
    registers: [this.registry],
  });
  readonly storeRestarts = new Gauge({
    name: 'bunsen_store_restarts',
    help: 'Times that the embedded store was started again after it had died.',
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 10 });
  }
}
