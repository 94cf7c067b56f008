import { API, type SharedFile } from '@bunsen/profile';
import type { FastifyInstance } from 'fastify';
import { withBody } from '../ingest/body.ts';
import type { Ingester } from '../ingest/ingester.ts';
import { operation, route } from '../operation.ts';
import { object, TEXT, TIME_MS } from '../reference/json-schema.ts';
import { takeRawBodies } from '../request-body.ts';
import type { AdHocProfiles } from './adhoc-profiles.ts';

const FILE_TYPE = 'application/octet-stream';

const SHARE = operation({
  group: 'Files',
  summary: 'A profile that others are to look at',
  help: 'It is kept as it came, as long as sums by the hour are, and is no part of any service. Whoever can reach the server can list and read it. Within the limits of pushes.',
  params: { name: { help: 'Of the file, 1 to 255 characters.', required: true } },
  body: {
    [FILE_TYPE]:
      'A pprof, JFR, speedscope, the text of `perf script` or folded text, gzipped or not.',
  },
  answers: {
    200: {
      help: 'It is durable.',
      content: {
        'application/json': object<SharedFile>({
          id: TEXT,
          name: TEXT,
          uploadedMs: TIME_MS,
          expiresMs: { ...TIME_MS, description: 'Until then it is kept.' },
        }),
      },
    },
  },
});

const FILE = operation({
  group: 'Files',
  summary: 'A profile that was shared',
  help: 'Its name is in Content-Disposition, when it came in Last-Modified, and until when it is kept in Sunset (RFC 8594).',
  params: {},
  path: { id: 'As the answer to the upload has it.' },
  answers: { 200: { help: 'The file as it came.', content: { [FILE_TYPE]: undefined } } },
});

const FORGET = operation({
  group: 'Files',
  summary: 'A shared profile is taken back',
  help: 'Whoever knows its id may do that; nobody can open it from then on.',
  params: {},
  path: { id: 'As the answer to the upload has it.' },
  answers: { 204: { help: 'It is gone.' } },
});

/** Files that somebody shares, and that others open by their id. */
export function fileRoutes(app: FastifyInstance, adhoc: AdHocProfiles, ingester: Ingester): void {
  takeRawBodies(app);
  route(app, 'POST', API.files, SHARE, ({ name }, request, reply) =>
    withBody(request, reply, ingester, ({ bytes }) => adhoc.share(name, bytes)),
  );

  route(app, 'GET', API.file(':id'), FILE, async (_params, request, reply) => {
    const { id } = request.params as { id: string };
    const { shared, bytes } = await adhoc.file(id);
    return reply
      .type(FILE_TYPE)
      .header('content-disposition', `attachment; filename*=UTF-8''${encoded(shared.name)}`)
      .header('last-modified', new Date(shared.uploadedMs).toUTCString())
      .header('sunset', new Date(shared.expiresMs).toUTCString())
      .send(bytes);
  });

  route(app, 'DELETE', API.file(':id'), FORGET, async (_params, request, reply) => {
    const { id } = request.params as { id: string };
    await adhoc.remove(id);
    return reply.code(204).send();
  });
}

/** As RFC 5987 has names in headers. */
function encoded(name: string): string {
  return encodeURIComponent(name).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16)}`,
  );
}
