import { IDEMPOTENCY_KEY, type Labels, SERVICE_NAME } from '@bunsen/profile';
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BunsenError } from '../errors.ts';
import { route } from '../operation.ts';
import type { Values } from '../params.ts';
import { checkRange, parsePyroscopeTime } from '../time.ts';
import { parseAppName } from './app-name.ts';
import { bodyTooLarge, withBody, withRoom } from './body.ts';
import type { BodySource, StacksFormat } from './decode.ts';
import type { StacksRequest } from './formats/folded.ts';
import { INGEST } from './ingest-operations.ts';
import type { Ingester, PushResult } from './ingester.ts';
import {
  CUMULATIVE_TYPES,
  DEFAULT_SAMPLE_RATE,
  foldedTypeOf,
  type SampleTypeConfig,
} from './profile-types.ts';
import { idempotencyKey } from './push-route.ts';

type Params = Values<typeof INGEST.params>;

type Format = 'pprof' | 'jfr' | 'speedscope' | StacksFormat;

/** Pyroscope's clients say `groups` (or nothing) for folded text; some say `folded`. */
const FORMATS: Record<NonNullable<Params['format']>, Format> = {
  pprof: 'pprof',
  groups: 'groups',
  folded: 'groups',
  collapsed: 'groups',
  lines: 'lines',
  tree: 'tree',
  trie: 'trie',
  speedscope: 'speedscope',
  jfr: 'jfr',
};
/** Pyroscope's first agents say the format here instead. */
const FORMATS_OF_TYPES: Record<string, Format> = {
  'binary/octet-stream+tree': 'tree',
  'binary/octet-stream+trie': 'trie',
};

/** `POST /ingest`, as Pyroscope has it: what its clients send works, what is not supported says so. */
export async function pyroscopeRoute(app: FastifyInstance, ingester: Ingester): Promise<void> {
  // Every part is bytes, whether the client gave it a file name or not.
  await app.register(multipart, { limits: { files: 4, parts: 4 }, isPartAFile: () => true });
  for (const path of ['/ingest', '/pyroscope/ingest']) {
    route(app, 'POST', path, INGEST, async (params, request, reply) => {
      const key = idempotencyKey(request.headers[IDEMPOTENCY_KEY]);
      if (request.isMultipart()) {
        const { warnings } = await ingestForm(request, reply, ingester, params, key);
        if (warnings.length > 0) reply.header('bunsen-warning', warnings);
      } else {
        const type = request.headers['content-type'] ?? '';
        const ofType = Object.hasOwn(FORMATS_OF_TYPES, type) ? FORMATS_OF_TYPES[type] : undefined;
        const format = params.format === undefined ? (ofType ?? 'groups') : FORMATS[params.format];
        const source = sourceOf(params, format, key !== undefined);
        await withBody(request, reply, ingester, ({ bytes, gzipped }) =>
          ingester.push(bytes, gzipped, source, key),
        );
      }
      return reply.code(200).send();
    });
  }
}

async function ingestForm(
  request: FastifyRequest,
  reply: FastifyReply,
  ingester: Ingester,
  params: Params,
  key: string | undefined,
): Promise<PushResult> {
  const format = FORMATS[params.format ?? 'pprof'];
  sourceOf(params, format, key !== undefined); // what the parameters say is checked before the body is read
  if (request.headers['content-encoding'] !== undefined) {
    throw new BunsenError(
      'CONTENT_TYPE_UNSUPPORTED',
      'a multipart form cannot have a Content-Encoding: gzip the part `profile` instead',
    );
  }
  return withRoom(request, reply, ingester, async (room) => {
    // Without a length, room for the largest: the parts are read as wholes.
    room.grow(Number(request.headers['content-length'] ?? ingester.limits.bodyBytes));
    const parts = await readParts(request, ingester.limits.bodyBytes);
    const [main, ...others] = PARTS[format] ?? ['profile'];
    for (const name of parts.keys()) {
      if (name === main || others.includes(name)) continue;
      throw new BunsenError(
        'BODY_MALFORMED',
        `the form has a part ${JSON.stringify(name)}; with format=${format} it may have ${[main, ...others].join(', ')}`,
      );
    }
    const profile = parts.get(main);
    if (!profile) throw new BunsenError('BODY_MALFORMED', `the form has no part \`${main}\``);
    return ingester.push(profile, false, sourceOf(params, format, key !== undefined, parts), key);
  });
}

/** The part that a form must have, and those that it may have; of other formats `profile` alone. */
const PARTS: Partial<Record<Format, [string, ...string[]]>> = {
  pprof: ['profile', 'sample_type_config', 'prev_profile'],
  jfr: ['jfr', 'labels'],
};

async function readParts(request: FastifyRequest, limit: number): Promise<Map<string, Buffer>> {
  const parts = new Map<string, Buffer>();
  try {
    for await (const part of request.files({ limits: { fileSize: limit } })) {
      const bytes = await part.toBuffer();
      if (parts.has(part.fieldname)) {
        throw new BunsenError(
          'BODY_MALFORMED',
          `the form has the part ${part.fieldname} twice: send a request for each profile`,
        );
      }
      parts.set(part.fieldname, bytes);
    }
  } catch (error) {
    if (error instanceof BunsenError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'FST_REQ_FILE_TOO_LARGE') throw bodyTooLarge(limit);
    throw new BunsenError('BODY_MALFORMED', `the form cannot be read: ${message}`, {
      cause: error,
    });
  }
  return parts;
}

function sampleTypeConfig(json: Buffer | undefined): SampleTypeConfig | undefined {
  if (!json) return undefined;
  try {
    const config: unknown = JSON.parse(json.toString('utf8'));
    const isObject = (value: unknown): value is Record<string, unknown> =>
      typeof value === 'object' && value !== null && !Array.isArray(value);
    const isType = (value: unknown) =>
      isObject(value) &&
      ['undefined', 'string'].includes(typeof value['display-name']) &&
      ['undefined', 'boolean'].includes(typeof value['cumulative']);
    if (isObject(config) && Object.values(config).every(isType)) return config as SampleTypeConfig;
  } catch {
    // said below
  }
  throw new BunsenError(
    'BODY_MALFORMED',
    'the part sample_type_config is not a JSON object of objects, whose display-name is a text and whose cumulative is true or false',
  );
}

/**
 * What the parameters say about the body, all of it checked.
 * @param isRepeatable it has a key, under which it counts once however often it is sent
 * @param parts the form's
 */
function sourceOf(
  params: Params,
  format: Format,
  isRepeatable: boolean,
  parts: ReadonlyMap<string, Buffer> = new Map(),
): BodySource {
  const nowMs = Date.now();
  const time = (name: 'from' | 'until') => {
    const text = params[name];
    return text ? parsePyroscopeTime(name, text, nowMs) : undefined;
  };
  const { aggregationType } = params;
  const units = params.units || undefined;
  const sampleRate = params.sampleRate || DEFAULT_SAMPLE_RATE;
  const { app, labels } = parseAppName(params.name);
  // A repeated request would be of another time.
  const fromMs = isRepeatable && params.from?.startsWith('now') ? undefined : time('from');
  const untilMs = time('until');
  if (fromMs !== undefined && untilMs !== undefined && untilMs < fromMs) {
    checkRange({ fromMs, untilMs });
  }
  if (format === 'pprof') {
    const config = sampleTypeConfig(parts.get('sample_type_config'));
    return {
      kind: 'pprof',
      request: {
        labels: seriesLabels(app, labels, params.spyName),
        sampleTypeConfig: config ?? {},
        spyName: params.spyName,
        fromMs,
        cumulative: config
          ? Object.keys(config).filter((type) => config[type]?.cumulative === true)
          : parts.has('prev_profile')
            ? CUMULATIVE_TYPES
            : [],
        previous: parts.get('prev_profile'),
      },
    };
  }
  if (format === 'jfr') {
    return {
      kind: 'jfr',
      request: {
        labels: seriesLabels(app, labels, params.spyName),
        sampleRate,
        fromMs,
        snapshot: parts.get('labels'),
      },
    };
  }
  const { app: service, type } = foldedTypeOf(app);
  if (units !== undefined && !type.units.includes(units)) {
    throw new BunsenError(
      'PARAMETER_CONTRADICTION',
      `units=${units}, but ${app} is in ${type.profileType.sampleUnit} (units may be ${type.units.join(', ')})`,
    );
  }
  const additive = !/^(inuse_|goroutines|live)/.test(type.profileType.sampleType);
  if (additive && aggregationType !== undefined && aggregationType !== 'sum') {
    throw new BunsenError(
      'PARAMETER_CONTRADICTION',
      `aggregationType=${aggregationType}, but values of ${app} are summed`,
    );
  }
  const request: StacksRequest = {
    labels: seriesLabels(service, labels, params.spyName),
    type,
    sampleRate,
    fromMs,
    untilMs,
  };
  if (format !== 'speedscope') return { kind: format, request };
  return { kind: format, request: { ...request, untyped: service === app } };
}

/** The application is the service, unless a label says otherwise: then it is `app_name`. */
function seriesLabels(app: string, labels: Labels, spyName: string | undefined): Labels {
  return {
    ...(labels[SERVICE_NAME] === undefined ? { [SERVICE_NAME]: app } : { app_name: app }),
    ...(spyName !== undefined && spyName !== '' && { pyroscope_spy: spyName }),
    ...labels,
  };
}
