import { constants } from 'node:zlib';
import { FLAME_CONTENT_TYPE } from '@bunsen/profile';
import compress from '@fastify/compress';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import { AdHocProfiles } from './adhoc/adhoc-profiles.ts';
import { fileRoutes } from './adhoc/file-routes.ts';
import { AgentReports } from './agents/agent-reports.ts';
import { agentRoutes } from './agents/agent-routes.ts';
import { drilldownRoutes } from './api/drilldown-routes.ts';
import { exportRoutes } from './api/export-routes.ts';
import { healthRoutes } from './api/health-routes.ts';
import { prometheusRoutes } from './api/prometheus-routes.ts';
import { pyroscopeLabels } from './api/pyroscope-labels.ts';
import { pyroscopeRender } from './api/pyroscope-render.ts';
import { querierRoutes } from './api/querier-routes.ts';
import { queryRoutes } from './api/query-routes.ts';
import { uiFiles } from './api/ui-files.ts';
import type { Config } from './config.ts';
import { allowOrigins } from './cors.ts';
import { answerError } from './error-reply.ts';
import { asBunsenError } from './errors.ts';
import { readBodyOfCall } from './ingest/body.ts';
import { Ingester } from './ingest/ingester.ts';
import { otlpRoute } from './ingest/otlp-route.ts';
import { pushRoute } from './ingest/push-route.ts';
import { pyroscopeRoute } from './ingest/pyroscope-route.ts';
import { rpcRoutes } from './ingest/rpc-routes.ts';
import { sendInPieces } from './large-replies.ts';
import { readableLog } from './log.ts';
import { Metrics } from './metrics.ts';
import { createPlainServer } from './plain-server.ts';
import { Deletions } from './query/deletions.ts';
import { FlamegraphQuery } from './query/flamegraph.ts';
import { referenceRoutes } from './reference/reference-routes.ts';
import { takeRawBodies } from './request-body.ts';
import { prepareTables } from './store/prepare-tables.ts';
import { ProfileStore } from './store/profile-store.ts';
import { Rollups } from './store/rollups.ts';
import { openStore, type Store } from './store/store.ts';
import { StoreState } from './store-state.ts';

export interface App {
  fastify: FastifyInstance;
  store: Store;
  rollups: Rollups;
  /** Bytes of pushes that are held now. */
  inFlightBytes: () => number;
  /** Finishes what was begun, then closes everything. */
  close: () => Promise<void>;
}

/** Beside this package, whether this runs from src/ or from dist/. */
const UI_DIR = new URL('../../ui/dist/app', import.meta.url).pathname;

/**
 * Puts the server together: bodies go to the ingester and from there to the store; queries go to the
 * store and become trees in workers. It does not listen.
 * @throws ConfigError if the store cannot be used as configured
 */
export async function buildApp(config: Config, uiDir = UI_DIR): Promise<App> {
  const fastify = Fastify({
    logger: { level: config.logLevel, base: null, stream: readableLog(process.stderr) },
    logController: new LogController({ disableRequestLogging: config.logLevel !== 'debug' }),
    // A client that does not finish its request must not hold a place for ever.
    requestTimeout: 120_000,
    forceCloseConnections: 'idle',
    serverFactory: createPlainServer,
    // What still comes on open connections while the server ends is answered like the rest.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 4096 },
    frameworkErrors: answerError,
  });
  const warn = (message: string) => fastify.log.warn(message);
  const store = await openStore({
    clickhouseUrl: config.clickhouseUrl,
    clusterName: config.clickhouseCluster,
    quorum: config.clickhouseQuorum,
    retention: config.retention,
    embedded: {
      dataDir: config.dataDir,
      listen: config.storeListen,
      memoryBytes: config.storeMemoryBytes,
      concurrency: { reads: 8, writes: 6 },
      lockWaitMs: 5_000,
    },
    queryTimeMs: config.queryTimeMs,
    queryMemoryBytes: config.queryMemoryBytes,
    queryRows: config.queryRows,
    onWarning: warn,
  });
  const rollups = new Rollups(store, warn);
  const metrics = new Metrics();
  const profiles = new ProfileStore(store, rollups, (pushes) =>
    metrics.groupPushes.observe(pushes),
  );
  const deletions = new Deletions(store, { rollups, seen: profiles.seen, onWarning: warn });
  const state = new StoreState(store, async () => {
    await prepareTables(store, (message) => fastify.log.info(message));
    await rollups.load();
    rollups.start();
    await deletions.resume();
  });
  try {
    await state.prepare(config.clickhouseUrl, warn);
  } catch (error) {
    await store.close();
    throw error;
  }

  const ingester = new Ingester(profiles, {
    limits: config.ingest,
    inFlightBytes: config.inFlightBytes,
    threads: config.workerThreads,
    onStored(samples, duplicate) {
      if (duplicate) metrics.duplicatePushes.inc();
      else metrics.samplesStored.inc(samples);
    },
    onCumulative({ dropped, clampedStacks }) {
      for (const reason of dropped) metrics.cumulativeDropped.inc({ reason });
      metrics.cumulativeClamped.inc(clampedStacks);
    },
  });
  const flamegraph = new FlamegraphQuery(store, rollups, { threads: config.workerThreads });

  // Replies that are still given while the server ends are the last on their connections.
  let closing = false;
  fastify.addHook('preClose', async () => {
    closing = true;
  });
  fastify.addHook('onSend', async (request, reply) => {
    if (closing && request.raw.httpVersionMajor === 1) reply.header('connection', 'close');
  });
  fastify.setErrorHandler(answerError);
  await allowOrigins(fastify, config.corsOrigins);
  measure(fastify, metrics, { ingester, rollups, store });
  sendInPieces(fastify);
  await fastify.register(compress, {
    encodings: ['br', 'gzip', 'identity'],
    threshold: 1024,
    // Bodies are for the routes alone: a second reader that nobody reads from would hold them up.
    globalDecompression: false,
    customTypes: new RegExp(
      `^(text/|application/(json|javascript)|image/svg|${FLAME_CONTENT_TYPE.replace('+', '\\+')})`,
    ),
    // Level 4 costs a tenth of the default 11 and is within a tenth of its size.
    brotliOptions: { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } },
  });
  const agents = new AgentReports(store);
  const adhoc = new AdHocProfiles(store, config.ingest);
  await fastify.register(async (api) => {
    referenceRoutes(api); // of what is in here: the web app has files, not routes to call
    await api.register(async (ingest) => {
      ingest.addHook('onRequest', async () => state.check());
      takeRawBodies(ingest);
      ingest.addHook('onError', async (_request, _reply, error) => {
        metrics.rejectedPushes.inc({ reason: asBunsenError(error)?.code ?? 'INTERNAL' });
      });
      pushRoute(ingest, ingester);
      await pyroscopeRoute(ingest, ingester);
      otlpRoute(ingest, ingester);
      rpcRoutes(ingest, ingester, (reason) => metrics.rejectedPushes.inc({ reason }));
    });
    await api.register(async (query) => {
      query.addHook('onRequest', async () => state.check());
      queryRoutes(query, { store, status: rollups, flamegraph, deletions });
      exportRoutes(query, flamegraph);
      pyroscopeRender(query, store, flamegraph);
      pyroscopeLabels(query, store);
    });
    await api.register(async (scope) => {
      scope.addHook('onRequest', async () => state.check());
      agentRoutes(scope, agents);
    });
    await api.register(async (scope) => {
      scope.addHook('onRequest', async () => state.check());
      fileRoutes(scope, adhoc, ingester);
    });
    await api.register(
      async (prometheus) => {
        prometheus.addHook('onRequest', async () => state.check());
        prometheusRoutes(prometheus, store, rollups);
      },
      { prefix: '/prometheus/api/v1' },
    );
    await api.register(async (querier) =>
      querierRoutes(querier, { store, flamegraph, checkReady: () => state.check() }),
    );
    await api.register(async (drilldown) =>
      drilldownRoutes(drilldown, {
        store,
        adhoc,
        readBody: (request, reply) => readBodyOfCall(request, reply, ingester),
        bodyBytes: config.ingest.bodyBytes,
        checkReady: () => state.check(),
      }),
    );
    healthRoutes(
      api,
      async () => {
        state.check();
        await store.ping();
      },
      metrics,
    );
  });
  await uiFiles(fastify, uiDir);

  return {
    fastify,
    store,
    rollups,
    inFlightBytes: () => ingester.inFlightBytes,
    async close() {
      state.stop();
      await fastify.close();
      await Promise.all([rollups.close(), deletions.close()]);
      await Promise.all([ingester.close(), flamegraph.close(), adhoc.close()]);
      await store.close();
    },
  };
}

function measure(
  fastify: FastifyInstance,
  metrics: Metrics,
  { ingester, rollups, store }: { ingester: Ingester; rollups: Rollups; store: Store },
): void {
  fastify.addHook('onResponse', async (request, reply) => {
    metrics.requests.observe(
      { route: request.routeOptions.url ?? 'other', status: reply.statusCode },
      reply.elapsedTime / 1000,
    );
  });
  fastify.addHook('onRequest', async (request) => {
    if (request.url !== '/metrics') return;
    metrics.inFlightBytes.set(ingester.inFlightBytes);
    metrics.storeRestarts.set(store.restarts);
    for (const { table, buckets } of rollups.openBuckets()) {
      metrics.rollupOpen.set({ rollup: table }, buckets);
    }
  });
}
