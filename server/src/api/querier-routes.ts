import { QuerierService } from '@bunsen/proto/querier/v1/querier';
import { compressionGzip } from '@connectrpc/connect-node';
import type { FastifyInstance } from 'fastify';
import { BunsenError } from '../errors.ts';
import type { FlamegraphQuery } from '../query/flamegraph.ts';
import { collectBody, takeRawBodies } from '../request-body.ts';
import { rpc } from '../rpc.ts';
import type { Store } from '../store/store.ts';
import { querierLabels } from './querier-labels.ts';
import { querierProfiles } from './querier-profiles.ts';
import { querierSeries } from './querier-series.ts';

/** A request has a few selectors, and the call site of a deep stack at most. */
const REQUEST_BYTES = 1024 * 1024;

export interface QuerierSources {
  store: Store;
  flamegraph: FlamegraphQuery;
  /** Throws while the store cannot be used; the error goes out as the call's protocol has it. */
  checkReady: () => void;
}

/** Pyroscope's `querier.v1.QuerierService` over Connect, gRPC and gRPC-web. */
export function querierRoutes(
  app: FastifyInstance,
  { store, flamegraph, checkReady }: QuerierSources,
): void {
  takeRawBodies(app);
  rpc(app, {
    connect: true,
    ignoreUnknownFields: true,
    routes: (router) =>
      router.service(QuerierService, {
        ...querierLabels(store),
        ...querierProfiles(flamegraph),
        ...querierSeries(store),
      }),
    async readBody(request) {
      checkReady();
      return collectBody(request.raw, { bytes: REQUEST_BYTES, tooLarge });
    },
    messageBytes: REQUEST_BYTES,
    compression: compressionGzip,
  });
}

function tooLarge(sent?: number): BunsenError {
  return new BunsenError(
    'BODY_TOO_LARGE',
    `the request has ${sent === undefined ? '' : `${sent} bytes, `}more than ${REQUEST_BYTES} bytes: send fewer or shorter selectors`,
  );
}
