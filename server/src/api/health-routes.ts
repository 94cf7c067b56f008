import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../metrics.ts';
import { operation } from '../operation.ts';
import { object, TEXT } from '../reference/json-schema.ts';

const STATUS = { 'application/json': object<{ status: string }>({ status: TEXT }) };

const HEALTHZ = operation({
  group: 'Server',
  summary: 'Whether the process lives',
  params: {},
  answers: { 200: { help: 'It does.', content: STATUS } },
});
const READYZ = operation({
  group: 'Server',
  summary: 'Whether it can work',
  help: '503 with the reason until the store can be reached and its tables are up to date. /ready is what Pyroscope calls it.',
  params: {},
  answers: { 200: { help: 'It can.', content: STATUS } },
});
const METRICS = operation({
  group: 'Server',
  summary: 'How much it does',
  params: {},
  answers: { 200: { help: 'For Prometheus to scrape.', content: { 'text/plain': undefined } } },
});

/** What probes and scrapers ask; they may add parameters of their own, which mean nothing here. */
export function healthRoutes(
  app: FastifyInstance,
  checkReady: () => Promise<void>,
  metrics: Metrics,
): void {
  app.get('/healthz', { config: { operation: HEALTHZ } }, async () => ({ status: 'ok' }));
  /** 503 with the reason until the store can be reached and its tables are up to date. */
  for (const path of ['/readyz', '/ready']) {
    app.get(path, { config: { operation: READYZ } }, async () => {
      await checkReady();
      return { status: 'ready' };
    });
  }
  app.get('/metrics', { config: { operation: METRICS } }, async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
}
