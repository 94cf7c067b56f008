import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../metrics.ts';

/** Whether the process lives, whether it can work, and how much it does. */
export function healthRoutes(
  app: FastifyInstance,
  checkReady: () => Promise<void>,
  metrics: Metrics,
): void {
  app.get('/healthz', async () => ({ status: 'ok' }));
  /** 503 with the reason until the store can be reached and its tables are up to date. */
  app.get('/readyz', async () => {
    await checkReady();
    return { status: 'ready' };
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
}
