import { API, type DeletionsResponse, FLAME_CONTENT_TYPE } from '@bunsen/profile';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BunsenError } from '../errors.ts';
import { readInteger, readParams } from '../params.ts';
import type { Deletions } from '../query/deletions.ts';
import type { FlamegraphQuery } from '../query/flamegraph.ts';
import type { Focus } from '../query/focus.ts';
import { queryFunctionCosts } from '../query/function-costs.ts';
import { queryFunctions } from '../query/functions.ts';
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

/** Nodes of a flame graph: more than a screen has pixels to show, few enough to draw at once. */
export const DEFAULT_MAX_NODES = 16_384;
export const MOST_MAX_NODES = 1_048_576;
const MAX_STEP_MS = 366 * 86_400_000;
const MAX_GROUP_BY = 8;
const DEFAULT_FUNCTIONS = 100;
const MAX_FUNCTIONS = 10_000;
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
  app.get(API.profileTypes, async (request, reply) => {
    const params = readParams(request.query, ['from', 'until']);
    return queryProfileTypes(store, rangeOf(params), { signal: whileConnected(reply) });
  });

  app.get(API.services, async (request, reply) => {
    const params = readParams(request.query, ['type', 'from', 'until']);
    const type = required('type', params.type);
    return queryServices(store, type, rangeOf(params), { signal: whileConnected(reply) });
  });

  app.get(API.labelNames, async (request, reply) => {
    const params = readParams(request.query, ['query', 'from', 'until']);
    const query = params.query ?? '{}';
    return queryLabelNames(store, query, rangeOf(params), { signal: whileConnected(reply) });
  });

  app.get<{ Params: { name: string } }>('/api/v1/labels/:name/values', async (request, reply) => {
    const params = readParams(request.query, ['query', 'from', 'until']);
    const { name } = request.params;
    const query = params.query ?? '{}';
    const signal = whileConnected(reply);
    return queryLabelValues(store, name, query, rangeOf(params), { signal });
  });

  app.get(API.series, async (request, reply) => {
    const params = readParams(request.query, [
      'query',
      'from',
      'until',
      'stepMs',
      'groupBy',
      'function',
      'module',
    ]);
    const groupBy = (params.groupBy ?? '').split(',').filter((name) => name !== '');
    if (groupBy.length > MAX_GROUP_BY) {
      throw new BunsenError(
        'PARAMETER_INVALID',
        `groupBy has ${groupBy.length} labels; at most ${MAX_GROUP_BY} are allowed`,
      );
    }
    return querySeries(store, {
      query: required('query', params.query),
      range: rangeOf(params),
      stepMs:
        params.stepMs === undefined
          ? undefined
          : readInteger('stepMs', params.stepMs, 1, MAX_STEP_MS),
      groupBy,
      function: functionOf(params),
      signal: whileConnected(reply),
    });
  });

  app.get(API.functions, async (request, reply) => {
    const params = readParams(request.query, [
      'query',
      'from',
      'until',
      'name',
      'orderBy',
      'limit',
    ]);
    const orderBy = params.orderBy ?? 'total';
    if (orderBy !== 'self' && orderBy !== 'total') {
      throw new BunsenError('PARAMETER_INVALID', `orderBy=${orderBy} is not self or total`);
    }
    return queryFunctions(store, status, {
      query: required('query', params.query),
      range: rangeOf(params),
      name: params.name ?? '',
      orderBy,
      limit:
        params.limit === undefined
          ? DEFAULT_FUNCTIONS
          : readInteger('limit', params.limit, 1, MAX_FUNCTIONS),
      signal: whileConnected(reply),
    });
  });

  app.get(API.functionCosts, async (request, reply) => {
    const params = readParams(request.query, ['query', 'from', 'until', 'function', 'module']);
    return queryFunctionCosts(store, status, {
      query: required('query', params.query),
      range: rangeOf(params),
      name: required('function', params.function),
      module: params.module,
      signal: whileConnected(reply),
    });
  });

  app.delete(API.push, async (request, reply) => {
    const params = readParams(request.query, ['query', 'from', 'until']);
    const [from, until] = [required('from', params.from), required('until', params.until)];
    const query = required('query', params.query);
    const range = rangeBetween('from', from, 'until', until);
    const deletion = await deletions.request(query, range, DELETION_WAIT_MS);
    return reply.code(deletion.state === 'done' ? 200 : 202).send(deletion);
  });

  app.get(API.deletions, async (request): Promise<DeletionsResponse> => {
    readParams(request.query, []);
    return { deletions: await deletions.list() };
  });

  const around = ['query', 'from', 'until', 'maxNodes'] as const;
  app.get(API.flamegraph, async (request, reply) =>
    flame(request, reply, readParams(request.query, around)),
  );
  for (const direction of ['callees', 'callers'] as const) {
    app.get(API[direction], async (request, reply) => {
      const params = readParams(request.query, [...around, 'function', 'module']);
      const name = required('function', params.function);
      return flame(request, reply, params, { direction, name, module: params.module });
    });
  }

  app.get(API.diff, async (request, reply) => {
    const params = readParams(request.query, [
      'left',
      'leftFrom',
      'leftUntil',
      'right',
      'rightFrom',
      'rightUntil',
      'maxNodes',
    ]);
    const form = formOf(request);
    const bytes = await flamegraph.diff({
      left: {
        query: required('left', params.left),
        range: rangeBetween('leftFrom', params.leftFrom, 'leftUntil', params.leftUntil),
      },
      right: {
        query: required('right', params.right),
        range: rangeBetween('rightFrom', params.rightFrom, 'rightUntil', params.rightUntil),
      },
      maxNodes: maxNodesOf('maxNodes', params.maxNodes),
      form,
      signal: whileConnected(reply),
    });
    return answer(reply, form, bytes);
  });

  async function flame(
    request: FastifyRequest,
    reply: FastifyReply,
    params: { query?: string; from?: string; until?: string; maxNodes?: string },
    focus?: Focus,
  ): Promise<FastifyReply> {
    const form = formOf(request);
    const bytes = await flamegraph.run({
      query: required('query', params.query),
      range: rangeOf(params),
      maxNodes: maxNodesOf('maxNodes', params.maxNodes),
      form,
      ...(focus && { focus }),
      signal: whileConnected(reply),
    });
    return answer(reply, form, bytes);
  }
}

/** @throws BunsenError `PARAMETER_INVALID` */
function functionOf(params: { function?: string; module?: string }) {
  const { function: name, module } = params;
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

export function maxNodesOf(name: string, text: string | undefined): number {
  return text === undefined ? DEFAULT_MAX_NODES : readInteger(name, text, 1, MOST_MAX_NODES);
}

export function required(name: string, value: string | undefined): string {
  if (value !== undefined && value !== '') return value;
  throw new BunsenError('PARAMETER_INVALID', `the parameter ${name} is missing`);
}

/** The last hour by default. */
export function rangeOf(params: { from?: string; until?: string }): TimeRange {
  return rangeBetween('from', params.from, 'until', params.until);
}

function rangeBetween(
  fromName: string,
  from: string | undefined,
  untilName: string,
  until: string | undefined,
): TimeRange {
  const nowMs = Date.now();
  return checkRange({
    fromMs: parseTime(fromName, from ?? 'now-1h', nowMs),
    untilMs: parseTime(untilName, until ?? 'now', nowMs),
  });
}
