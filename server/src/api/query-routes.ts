import { API, type DeletionsResponse, FLAME_CONTENT_TYPE } from '@bunsen/profile';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BunsenError } from '../errors.ts';
import { sendJsonInTurns } from '../json-in-turns.ts';
import { route } from '../operation.ts';
import type { Values } from '../params.ts';
import type { Deletions } from '../query/deletions.ts';
import type { FlamegraphQuery } from '../query/flamegraph.ts';
import type { Focus } from '../query/focus.ts';
import { queryFunctionCosts } from '../query/function-costs.ts';
import { queryFunctions } from '../query/functions.ts';
import { queryLabelDifferences } from '../query/label-differences.ts';
import {
  queryLabelNames,
  queryLabelValues,
  queryProfileTypes,
  queryServices,
} from '../query/labels.ts';
import { querySeries } from '../query/series.ts';
import type { OwnForm } from '../query/tree-worker.ts';
import type { RollupStatus } from '../store/rollups.ts';
import type { Store } from '../store/store.ts';
import { checkRange, parseTime, type TimeRange } from '../time.ts';
import { DIFF, FLAMEGRAPH, FOCUSED } from './flame-operations.ts';
import {
  DELETE_PROFILES,
  DELETIONS,
  FUNCTION_COSTS,
  FUNCTIONS,
  LABEL_DIFFERENCES,
  LABEL_NAMES,
  LABEL_VALUES,
  MAX_GROUP_BY,
  PROFILE_TYPES,
  SERIES,
  SERVICES,
} from './query-operations.ts';

/** How long a request to delete is held: most are done by then, and proxies still wait. */
const DELETION_WAIT_MS = 20_000;

export interface QuerySources {
  store: Store;
  status: RollupStatus;
  flamegraph: FlamegraphQuery;
  deletions: Deletions;
}

/** Bunsen's own API (`API` in @bunsen/profile, which says what each route takes and answers). */
export function queryRoutes(
  app: FastifyInstance,
  { store, status, flamegraph, deletions }: QuerySources,
): void {
  route(app, 'GET', API.profileTypes, PROFILE_TYPES, (params, _request, reply) =>
    queryProfileTypes(store, rangeOf(params), { signal: whileConnected(reply) }),
  );

  route(app, 'GET', API.services, SERVICES, (params, _request, reply) =>
    queryServices(store, params.type, rangeOf(params), { signal: whileConnected(reply) }),
  );

  route(app, 'GET', API.labelNames, LABEL_NAMES, (params, _request, reply) =>
    queryLabelNames(store, params.query, rangeOf(params), { signal: whileConnected(reply) }),
  );

  route(app, 'GET', '/api/v1/labels/:name/values', LABEL_VALUES, (params, request, reply) => {
    const { name } = request.params as { name: string };
    const signal = whileConnected(reply);
    return queryLabelValues(store, name, params.query, rangeOf(params), { signal });
  });

  route(app, 'GET', API.series, SERIES, async (params, _request, reply) => {
    const groupBy = params.groupBy
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '');
    if (groupBy.length > MAX_GROUP_BY) {
      throw new BunsenError(
        'PARAMETER_INVALID',
        `groupBy has ${groupBy.length} labels; at most ${MAX_GROUP_BY} are allowed`,
      );
    }
    const series = await querySeries(store, {
      query: params.query,
      range: rangeOf(params),
      stepMs: params.stepMs,
      groupBy,
      function: functionOf(params),
      signal: whileConnected(reply),
    });
    return sendJsonInTurns(reply, series);
  });

  route(app, 'GET', API.functions, FUNCTIONS, (params, _request, reply) => {
    const { query, name, orderBy, limit } = params;
    const range = rangeOf(params);
    const signal = whileConnected(reply);
    return queryFunctions(store, status, { query, range, name, orderBy, limit, signal });
  });

  route(app, 'GET', API.functionCosts, FUNCTION_COSTS, (params, _request, reply) =>
    queryFunctionCosts(store, status, {
      query: params.query,
      range: rangeOf(params),
      name: params.function,
      module: params.module,
      signal: whileConnected(reply),
    }),
  );

  route(app, 'GET', API.labelDifferences, LABEL_DIFFERENCES, (params, _request, reply) =>
    queryLabelDifferences(store, {
      query: params.query,
      range: rangeOf(params),
      label: params.label,
      limit: params.limit,
      signal: whileConnected(reply),
    }),
  );

  route(app, 'DELETE', API.push, DELETE_PROFILES, async (params, _request, reply) => {
    const deletion = await deletions.request(params.query, params, DELETION_WAIT_MS);
    return reply.code(deletion.state === 'done' ? 200 : 202).send(deletion);
  });

  route(app, 'GET', API.deletions, DELETIONS, async (): Promise<DeletionsResponse> => {
    return { deletions: await deletions.list() };
  });

  route(app, 'GET', API.flamegraph, FLAMEGRAPH, (params, request, reply) =>
    flame(request, reply, params),
  );
  for (const direction of ['callees', 'callers'] as const) {
    route(app, 'GET', API[direction], FOCUSED[direction], (params, request, reply) =>
      flame(request, reply, params, { direction, name: params.function, module: params.module }),
    );
  }

  route(app, 'GET', API.diff, DIFF, async (params, request, reply) => {
    const form = formOf(request);
    const bytes = await flamegraph.diff({
      left: {
        query: params.left,
        range: rangeBetween('leftFrom', params.leftFrom, 'leftUntil', params.leftUntil),
      },
      right: {
        query: params.right,
        range: rangeBetween('rightFrom', params.rightFrom, 'rightUntil', params.rightUntil),
      },
      maxNodes: params.maxNodes,
      form,
      signal: whileConnected(reply),
    });
    return answer(reply, form, bytes);
  });

  async function flame(
    request: FastifyRequest,
    reply: FastifyReply,
    params: Values<typeof FLAMEGRAPH.params>,
    focus?: Focus,
  ): Promise<FastifyReply> {
    const form = formOf(request);
    const bytes = await flamegraph.run({
      query: params.query,
      range: rangeOf(params),
      maxNodes: params.maxNodes,
      form,
      ...(focus && { focus }),
      signal: whileConnected(reply),
    });
    return answer(reply, form, bytes);
  }
}

/** @throws BunsenError `PARAMETER_INVALID` */
function functionOf({ function: name, module }: Values<typeof SERIES.params>) {
  if (name !== undefined && name !== '') return { name, module };
  if (module === undefined) return undefined;
  throw new BunsenError('PARAMETER_INVALID', `module=${module} needs a function: give both`);
}

/** Binary for who accepts that, JSON otherwise. */
function formOf(request: FastifyRequest): OwnForm {
  const binary = (request.headers.accept ?? '').includes(FLAME_CONTENT_TYPE);
  return { kind: binary ? 'binary' : 'json' };
}

function answer(reply: FastifyReply, { kind }: OwnForm, bytes: Uint8Array): FastifyReply {
  return reply
    .header('vary', 'accept')
    .type(kind === 'binary' ? FLAME_CONTENT_TYPE : 'application/json; charset=utf-8')
    .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** A signal that fires when the client goes away before it has its answer: the query is stopped. */
export function whileConnected(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

export function rangeOf(params: { from: string; until: string }): TimeRange {
  return rangeBetween('from', params.from, 'until', params.until);
}

function rangeBetween(fromName: string, from: string, untilName: string, until: string): TimeRange {
  const nowMs = Date.now();
  return checkRange({
    fromMs: parseTime(fromName, from, nowMs),
    untilMs: parseTime(untilName, until, nowMs),
  });
}
