import { API, parseProfileType, parseSelector, SERVICE_NAME } from '@bunsen/profile';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { BunsenError } from '../errors.ts';
import { route } from '../operation.ts';
import { checkInteger, type Values } from '../params.ts';
import type { ExportForm, ExportFormat } from '../query/exports/export-form.ts';
import type { FlamegraphQuery } from '../query/flamegraph.ts';
import type { TimeRange } from '../time.ts';
import { DOT_NODES, EXPORT, PPROF, SVG_NODES } from './flame-operations.ts';
import { rangeOf, whileConnected } from './query-routes.ts';

const FILES: Record<ExportFormat, { type: string; extension: string }> = {
  // A gzipped file, and to be saved as one: no Content-Encoding, which a client would take off.
  pprof: { type: 'application/gzip', extension: 'pb.gz' },
  folded: { type: 'text/plain; charset=utf-8', extension: 'folded' },
  speedscope: { type: 'application/json; charset=utf-8', extension: 'speedscope.json' },
  dot: { type: 'text/vnd.graphviz; charset=utf-8', extension: 'dot' },
  svg: { type: 'image/svg+xml', extension: 'svg' },
};
/** Selections as files for other tools. */
export function exportRoutes(app: FastifyInstance, flamegraph: FlamegraphQuery): void {
  route(app, 'GET', API.export, EXPORT, ({ format, maxNodes, ...params }, _request, reply) =>
    send(reply, params, formOf(format, maxNodes)),
  );

  route(app, 'GET', API.pprof, PPROF, (params, _request, reply) =>
    send(reply, params, { format: 'pprof' }),
  );

  async function send(
    reply: FastifyReply,
    { query, ...times }: Values<typeof PPROF.params>,
    form: ExportForm,
  ): Promise<FastifyReply> {
    const range = rangeOf(times);
    const bytes = await flamegraph.export({ query, range, form, signal: whileConnected(reply) });
    const { type, extension } = FILES[form.format];
    const name = `${fileName(query, range)}.${extension}`;
    // What a browser can show, it shows; what others sent stands in it, as text and never as a script.
    const disposition = form.format === 'svg' ? 'inline' : 'attachment';
    if (form.format === 'svg') {
      reply.header('content-security-policy', `default-src 'none'; style-src 'unsafe-inline'`);
    }
    return reply
      .type(type)
      .header('content-disposition', `${disposition}; filename="${name}"`)
      .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }
}

function formOf(format: ExportFormat, maxNodes: number | undefined): ExportForm {
  if (format === 'dot' || format === 'svg') {
    const limit = format === 'dot' ? DOT_NODES : SVG_NODES;
    if (maxNodes !== undefined) checkInteger('maxNodes', maxNodes, 1, limit.most);
    return { format, maxNodes: maxNodes ?? limit.default };
  }
  if (maxNodes !== undefined) {
    throw new BunsenError(
      'PARAMETER_INVALID',
      `maxNodes=${maxNodes}: only dot and svg are cut; ${format} has everything`,
    );
  }
  return { format };
}

/** `api-process_cpu-cpu-2026-11-21T10-00-00Z`: the service if the query names one, and what is in it. */
function fileName(query: string, { fromMs }: TimeRange): string {
  const { profileType, matchers } = parseSelector(query);
  const service = matchers.find(({ name, operator }) => name === SERVICE_NAME && operator === '=');
  const { name, sampleType } = parseProfileType(profileType);
  const from = `${new Date(fromMs).toISOString().slice(0, 19)}Z`;
  const parts = [...(service ? [service.value] : []), name, sampleType, from];
  return parts.map((part) => part.replace(/[^A-Za-z0-9_.-]+/g, '-').slice(0, 80)).join('-');
}
