import type { DescMethod } from '@bufbuild/protobuf';
import type { ErrorResponse } from '@bunsen/profile';
import { ERROR_STATUS } from '../errors.ts';
import type { Answer, Operation } from '../operation.ts';
import type { Param, Params } from '../params.ts';
import { type JsonSchema, list, object, TEXT } from './json-schema.ts';

/** A route as it was registered. */
export interface Registered {
  /** Upper case. */
  method: string;
  /** With parts as `:name`. */
  url: string;
  operation: Operation;
}

interface Content {
  [type: string]: { schema?: JsonSchema };
}

export interface DocumentParameter {
  name: string;
  in: 'query' | 'path' | 'header';
  description: string;
  required?: boolean;
  schema: JsonSchema;
}

export interface DocumentOperation {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  parameters: DocumentParameter[];
  requestBody?: { description?: string; required: boolean; content: Content };
  responses: Record<string, { description: string; content?: Content } | { $ref: string }>;
}

/** What we write of OpenAPI 3.1. */
export interface OpenApiDocument {
  openapi: '3.1.0';
  info: { title: string; version: string; description: string; license: object };
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, DocumentOperation>>;
  components: {
    schemas: Record<string, JsonSchema>;
    responses: Record<string, { description: string; content: Content }>;
  };
  /** Services over Connect, gRPC and gRPC-web, which OpenAPI has no words for. */
  'x-protobuf-services': { name: string; file: string; methods: string[] }[];
}

const FORM = 'application/x-www-form-urlencoded';
/** In the order of the page. */
const TAGS: Record<Operation['group'], string> = {
  Profiles: 'How they come in, and are deleted. With a key they are stored exactly once.',
  Queries: "Bunsen's own. Ranges are from inclusive to until exclusive.",
  Files: 'Single profiles that somebody shares.',
  Agents: 'What they say of themselves.',
  Pyroscope: 'As Pyroscope has it; server/PYROSCOPE.md has the differences.',
  Prometheus: 'PromQL over profiles; server/PROMQL.md says what is evaluated.',
  Server: 'For probes and scrapers.',
};

const ERROR = object<ErrorResponse>({
  code: { type: 'string', enum: Object.keys(ERROR_STATUS) },
  message: {
    ...TEXT,
    description: 'Names the field, the value and the limit, and says what to do.',
  },
});
/** Prometheus' clients read errors in an envelope of its own. */
const PROMETHEUS_ERROR: JsonSchema = object({
  status: { type: 'string', enum: ['error'] },
  errorType: TEXT,
  error: TEXT,
});

/** All routes that there are, as one document. */
export function openApiOf(routes: readonly Registered[], methods: readonly DescMethod[]) {
  const paths: OpenApiDocument['paths'] = {};
  for (const { method, url, operation } of routes) {
    const path = url.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationOf(method, url, operation) };
  }
  const services = [...new Set(methods.map(({ parent }) => parent))];
  const document: OpenApiDocument = {
    openapi: '3.1.0',
    info: {
      title: 'Bunsen',
      version: '1',
      description:
        'An always-on profiler for a whole fleet. Parameters that a route does not have are refused.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: { Error: ERROR, PrometheusError: PROMETHEUS_ERROR },
      responses: {
        Error: errorAnswer('Error'),
        PrometheusError: errorAnswer('PrometheusError'),
      },
    },
    'x-protobuf-services': services.map(({ typeName, file, methods }) => ({
      name: typeName,
      file: `server/proto/${file.name}.proto`,
      methods: methods.map(({ name }) => name),
    })),
  };
  return document;
}

function errorAnswer(schema: string) {
  return {
    description: 'What is wrong with the request, or why it cannot be answered now.',
    content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } },
  };
}

function operationOf(method: string, url: string, operation: Operation): DocumentOperation {
  const { group, summary, help, params, path = {}, headers = {}, answers } = operation;
  const isForm = method === 'POST' && group === 'Prometheus';
  const error = group === 'Prometheus' ? 'PrometheusError' : 'Error';
  const body = isForm ? { [FORM]: { schema: formSchema(params) } } : contentOf(operation.body);
  return {
    operationId: `${method.toLowerCase()}${url.replace(/[^A-Za-z0-9]+/g, '_')}`,
    tags: [group],
    summary,
    ...(help !== undefined && { description: help }),
    parameters: [
      ...Object.entries(path).map(([name, description]) => parameter(name, 'path', description)),
      ...(isForm ? [] : Object.entries(params).map(([name, param]) => queryParameter(name, param))),
      ...Object.entries(headers).map(([name, description]) =>
        parameter(name, 'header', description),
      ),
    ],
    ...(body && { requestBody: { required: true, content: body } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [status, response(answer)]),
      ),
      default: { $ref: `#/components/responses/${error}` },
    },
  };
}

function parameter(name: string, place: 'path' | 'header', description: string): DocumentParameter {
  const required = place === 'path' && { required: true };
  return { name, in: place, description, ...required, schema: TEXT };
}

function queryParameter(name: string, param: Param): DocumentParameter {
  const { help, required } = param;
  return {
    name,
    in: 'query',
    description: help,
    ...(required && { required }),
    schema: schemaOf(param),
  };
}

/** Of a body with the same parameters. */
function formSchema(params: Params): JsonSchema {
  const all = Object.entries(params);
  return {
    type: 'object',
    properties: Object.fromEntries(
      all.map(([name, param]) => [name, { ...schemaOf(param), description: param.help }]),
    ),
    required: all.flatMap(([name, { required }]) => (required ? [name] : [])),
  };
}

function schemaOf(param: Param): JsonSchema {
  if ('many' in param) return list(TEXT);
  const fallback = param.default !== undefined && { default: param.default };
  if ('min' in param) {
    return { type: 'integer', minimum: param.min, maximum: param.max, ...fallback };
  }
  return {
    type: 'string',
    ...(param.choices && { enum: param.choices }),
    ...(param.example !== undefined && { examples: [param.example] }),
    ...fallback,
  };
}

function contentOf(body: Operation['body']): Content | undefined {
  if (!body) return undefined;
  return Object.fromEntries(
    Object.entries(body).map(([type, description]) => [type, { schema: { description } }]),
  );
}

function response({ help, content }: Answer) {
  if (!content) return { description: help };
  const types = Object.entries(content).map(([type, schema]) => [type, schema ? { schema } : {}]);
  return { description: help, content: Object.fromEntries(types) as Content };
}
