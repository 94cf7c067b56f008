import { API, parseProfileType, parseSelector, SERVICE_NAME } from '@bunsen/profile';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { BunsenError } from '../errors.ts';
import { readInteger, readParams } from '../params.ts';
import {
  EXPORT_FORMATS,
  type ExportForm,
  type ExportFormat,
} from '../query/exports/export-form.ts';
import type { FlamegraphQuery } from '../query/flamegraph.ts';
import type { TimeRange } from '../time.ts';
import { rangeOf, required, whileConnected } from './query-routes.ts';

const FILES: Record<ExportFormat, { type: string; extension: string }> = {
  // A gzipped file, and to be saved as one: no Content-Encoding, which a client would take off.
  pprof: { type: 'application/gzip', extension: 'pb.gz' },
  folded: { type: 'text/plain; charset=utf-8', extension: 'folded' },
  speedscope: { type: 'application/json; charset=utf-8', extension: 'speedscope.json' },
  dot: { type: 'text/vnd.graphviz; charset=utf-8', extension: 'dot' },
  svg: { type: 'image/svg+xml', extension: 'svg' },
};
/** Functions of a call graph: pprof's default, and what Graphviz still lays out in seconds. */
export const DOT_NODES = { default: 80, most: 2_000 };
/** Nodes of a picture of a flame graph: some hundred bytes each. */
const SVG_NODES = { default: 4_096, most: 65_536 };

/** Selections as files for other tools. */
export function exportRoutes(app: FastifyInstance, flamegraph: FlamegraphQuery): void {
  app.get(API.export, async (request, reply) => {
    const { format, maxNodes, ...params } = readParams(request.query, [
      'query',
      'from',
      'until',
      'format',
      'maxNodes',
    ]);
    return send(reply, params, formOf(required('format', format), maxNodes));
  });

  app.get(API.pprof, async (request, reply) =>
    send(reply, readParams(request.query, ['query', 'from', 'until']), { format: 'pprof' }),
  );

  async function send(
    reply: FastifyReply,
    params: { query?: string; from?: string; until?: string },
    form: ExportForm,
  ): Promise<FastifyReply> {
    const query = required('query', params.query);
    const range = rangeOf(params);
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

function formOf(format: string, maxNodes: string | undefined): ExportForm {
  if (!isExportFormat(format)) {
    throw new BunsenError(
      'PARAMETER_INVALID',
      `format=${format} is not one of ${EXPORT_FORMATS.join(', ')}`,
    );
  }
  if (format === 'dot' || format === 'svg') {
    const limit = format === 'dot' ? DOT_NODES : SVG_NODES;
    const nodes = maxNodes && readInteger('maxNodes', maxNodes, 1, limit.most);
    return { format, maxNodes: nodes || limit.default };
  }
  if (maxNodes !== undefined) {
    throw new BunsenError(
      'PARAMETER_INVALID',
      `maxNodes=${maxNodes}: only dot and svg are cut; ${format} has everything`,
    );
  }
  return { format };
}

function isExportFormat(format: string): format is ExportFormat {
  return (EXPORT_FORMATS as readonly string[]).includes(format);
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
