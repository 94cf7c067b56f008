import { CPU_PROFILE_TYPE, type Labels, SLOT_MS } from '@bunsen/profile';
import { hashTexts } from '@bunsen/server/store/content-hash';
import type { BatchSource } from '@bunsen/server/store/profile-batch';
import { Fleet, type PodWindow, randomOf } from './fleet.ts';
import type { Size } from './report.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** What is younger is not read from rollups yet. */
const COMPLETE_MS = 300_000;

/** The service that is asked about over days. */
export const BUSY = 'service-0';

interface Plan {
  /** Between two windows of the busy service, before its last hours. */
  thinnedMs: number;
  /** The last hours of the busy service, which have every window. */
  denseHours: number;
  services: number;
  /** Of each service. */
  pods: number;
  hosts: number;
  functions: number;
  /** Sample rows that a pod has in a window, on average: of the busy service and of the others. */
  rows: { busy: number; others: number };
  /** Distinct stacks. */
  stacks: { busy: number; others: number };
}

const PLANS: Record<Size, Plan> = {
  full: {
    thinnedMs: 600_000,
    denseHours: 6,
    services: 50,
    pods: 20,
    hosts: 100,
    functions: 1200,
    rows: { busy: 888, others: 150 },
    stacks: { busy: 60_000, others: 24_000 },
  },
  small: {
    thinnedMs: 12 * HOUR_MS,
    denseHours: 1,
    services: 8,
    pods: 2,
    hosts: 4,
    functions: 500,
    rows: { busy: 300, others: 100 },
    stacks: { busy: 6_000, others: 1_500 },
  },
};

interface Pod {
  service: string;
  labels: Labels;
  host: number;
  /** Sample rows of a window, on average. */
  rows: number;
}

/**
 * What the store bench is about: the whole fleet over one hour, a window of every host each 15 s, and
 * before that hour one busy service over 7 days, thinned to one window in 10 minutes before its last 6
 * hours (in full it would be 700 million rows). It ends at the
 * last midnight (UTC), so that the same seed fills the same partitions whenever it runs.
 */
export class StoreFleet {
  readonly untilMs = Math.floor((Date.now() - COMPLETE_MS) / DAY_MS) * DAY_MS;
  readonly hourMs = this.untilMs - HOUR_MS;
  readonly #plan: Plan;
  readonly #fleet: Fleet;
  readonly #pods: Pod[];

  constructor(size: Size, seed: number) {
    const plan = PLANS[size];
    this.#plan = plan;
    this.#fleet = new Fleet({
      seed,
      functions: plan.functions,
      stacks: (service) => (service === BUSY ? plan.stacks.busy : plan.stacks.others),
      depth: [30, 40],
    });
    const rowsOf = [plan.rows.busy, ...spread(plan.services - 1, plan.rows.others)];
    this.#pods = rowsOf.flatMap((rows, service) =>
      Array.from({ length: plan.pods }, (_, pod) => {
        const host = (service * plan.pods + pod) % plan.hosts;
        return { host, rows, ...podOf(`service-${service}`, pod, host) };
      }),
    );
  }

  /** Pushes of the busy service before the last hour, in the order of their times. */
  *busyDays(): Generator<BatchSource> {
    const busy = this.#pods.filter(({ service }) => service === BUSY);
    const denseMs = this.untilMs - this.#plan.denseHours * HOUR_MS;
    for (let timeMs = this.untilMs - 7 * DAY_MS; timeMs < this.hourMs; ) {
      yield* this.#windowsAt(timeMs, busy);
      timeMs += timeMs < denseMs ? this.#plan.thinnedMs : SLOT_MS;
    }
  }

  /** Pushes of the whole fleet in the last hour, in the order of their times. */
  *fleetHour(): Generator<BatchSource> {
    for (let timeMs = this.hourMs; timeMs < this.untilMs; timeMs += SLOT_MS) {
      yield* this.#windowsAt(timeMs, this.#pods);
    }
  }

  get plan(): Readonly<Plan> {
    return this.#plan;
  }

  /** A push of each host that has one of the pods. Hosts begin their windows at times of their own. */
  *#windowsAt(startMs: number, pods: Pod[]): Generator<BatchSource> {
    for (let host = 0; host < this.#plan.hosts; host++) {
      const here = pods.filter((pod) => pod.host === host);
      if (here.length === 0) continue;
      // Numbered from the end, as only that makes the data the same on every day.
      const number = (this.untilMs - startMs) / SLOT_MS;
      const random = randomOf(`load ${host} ${number}`);
      const timeMs = startMs + ((host * 7919) % SLOT_MS);
      const podWindows = here.map(
        ({ service, labels, rows }): PodWindow => ({
          service,
          labels,
          samples: Math.max(1, Math.round(rows * (0.75 + random() / 2))),
        }),
      );
      yield {
        profile: this.#fleet.window({ pods: podWindows, number, timeMs }),
        types: [CPU_PROFILE_TYPE],
        timeMs,
        pushId: hashTexts(['push', String(host), String(timeMs)]),
      };
    }
  }
}

/** Numbers with this mean, few of them large. */
function spread(count: number, mean: number): number[] {
  const weights = Array.from({ length: count }, (_, i) => (i + 1) ** -0.35);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => (weight / sum) * count * mean);
}

function podOf(service: string, pod: number, host: number): { service: string; labels: Labels } {
  const id = randomOf(`${service} ${pod}`)().toString(36).slice(2, 7);
  return {
    service,
    labels: {
      service_name: service,
      namespace: `team-${service.length}`,
      pod: `${service}-7c9d8b6f5-${id}`,
      container: service,
      host: `host-${host}.eu-west-1.example.com`,
      version: `v1.${pod % 2}`,
    },
  };
}
