/**
 * Every field and parameter of what is sent to be kept has an effect on it, or is refused by its name;
 * or it has none, for a reason that stands here.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { ExportProfilesServiceRequestSchema } from '@bunsen/proto/otlp/v1_10/profiles';
import { PushRequestSchema } from '@bunsen/proto/push/v1/push';
import { readConfig } from '../config.ts';
import { fieldPaths } from '../testing/field-paths.ts';
import { pprofOf } from '../testing/pprof-of.ts';
import { searchOf, TestServer } from '../testing/test-server.ts';
import { type BodySource, decodeBody } from './decode.ts';
import { INGEST } from './ingest-operations.ts';

const T0 = Date.now() - 600_000;
const LIMITS = readConfig({}).ingest;

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.close());

/** A message without a field, wherever in it that is. */
function without(message: JsonValue, [name = '', ...rest]: string[]): JsonValue {
  if (Array.isArray(message)) return message.map((each) => without(each, [name, ...rest]));
  const { [name]: value, ...others } = message as JsonObject;
  if (value === undefined) return message;
  return rest.length === 0 ? others : { ...others, [name]: without(value, rest) };
}

/** What is decoded of a message, or why it is refused, as text. */
function decoded(schema: DescMessage, message: JsonValue, source: BodySource): string {
  try {
    const profiles = decodeBody(toBinary(schema, fromJson(schema, message)), false, source, LIMITS);
    return JSON.stringify(profiles, (_, value) =>
      typeof value === 'bigint' || ArrayBuffer.isView(value) ? String(value) : value,
    );
  } catch (error) {
    return String(error);
  }
}

/** A test for each field that a full message has, which is decoded with it and without it. */
function everyField(
  name: string,
  schema: DescMessage,
  source: BodySource,
  full: JsonObject,
  same: Record<string, string>,
): void {
  // By the names of the protocol.
  const message = toJson(schema, fromJson(schema, full), { useProtoFieldName: true });
  for (const path of fieldPaths(schema)) {
    test(`${name}: ${path}`, () => {
      const less = without(message, path.split('.'));
      assert.notDeepEqual(less, message, 'the full message does not have it');
      const [before, after] = [message, less].map((each) => decoded(schema, each, source));
      assert.ok(before?.startsWith('[{'), before);
      if (path in same) assert.equal(after, before);
      else assert.notEqual(after, before);
    });
  }
  test(`${name}: what has no effect is a field`, () => {
    for (const path of Object.keys(same)) assert.ok(fieldPaths(schema).includes(path), path);
  });
}

const STRINGS = [
  ...['', 'cpu', 'nanoseconds', 'samples', 'count', 'main', 'sys_main', 'app.c', '/bin/app'],
  ...['pod', 'p1', 'zone', 'z1', 'rack', 'r1', 'profile.frame.type', 'kernel'],
  ...['process.executable.build_id.gnu', 'abcd'],
];
const text = (value: string) => STRINGS.indexOf(value);
const ofTable = (key: string, value: string) => ({
  keyStrindex: text(key),
  value: { stringValueStrindex: text(value) },
});

everyField(
  'OpenTelemetry',
  ExportProfilesServiceRequestSchema,
  { kind: 'otlp', encoding: 'protobuf' },
  {
    resourceProfiles: [
      {
        resource: {
          attributes: [
            { key: 'service.name', value: { stringValue: 'otlp' } },
            ofTable('zone', 'z1'),
            { key: 'n', value: { intValue: 7 } },
            { key: 'b', value: { boolValue: true } },
            { key: 'd', value: { doubleValue: 1.5 } },
          ],
        },
        scopeProfiles: [
          {
            scope: {
              name: 'scope',
              version: '1.0',
              attributes: [
                { key: 'of.scope', value: { stringValue: 'x' } },
                ofTable('rack', 'r1'),
                { key: 'n', value: { intValue: 7 } },
                { key: 'b', value: { boolValue: true } },
                { key: 'd', value: { doubleValue: 1.5 } },
              ],
            },
            profiles: [
              {
                sampleType: { typeStrindex: text('samples'), unitStrindex: text('count') },
                periodType: { typeStrindex: text('cpu'), unitStrindex: text('nanoseconds') },
                period: 10,
                timeUnixNano: `${T0}000000`,
                durationNano: 15_000_000_000,
                attributeIndices: [1],
                samples: [
                  { stackIndex: 1, linkIndex: 1, attributeIndices: [2], values: [3] },
                  { stackIndex: 2, timestampsUnixNano: [`${T0}000000`, `${T0}000001`] },
                ],
              },
            ],
          },
        ],
      },
    ],
    dictionary: {
      stringTable: STRINGS,
      mappingTable: [{}, { filenameStrindex: text('/bin/app'), attributeIndices: [4] }],
      functionTable: [
        {},
        { nameStrindex: text('main'), filenameStrindex: text('app.c') },
        { systemNameStrindex: text('sys_main') },
      ],
      locationTable: [
        {},
        { mappingIndex: 1, lines: [{ functionIndex: 1, line: 7 }] },
        { mappingIndex: 1, address: 4096 },
        { lines: [{ functionIndex: 2 }], attributeIndices: [3] },
      ],
      stackTable: [{}, { locationIndices: [2, 1] }, { locationIndices: [3] }],
      linkTable: [{}, { traceId: 'CvdlGRbNQ92ESOshHIAxnA==', spanId: 'mlFxg/JqCJ0=' }],
      attributeTable: [
        {},
        { ...ofTable('pod', 'p1'), unitStrindex: text('count') },
        { keyStrindex: text('zone'), value: { stringValue: 'z2' } },
        ofTable('profile.frame.type', 'kernel'),
        ofTable('process.executable.build_id.gnu', 'abcd'),
        { keyStrindex: text('pod'), value: { intValue: 7 } },
        { keyStrindex: text('pod'), value: { boolValue: true } },
        { keyStrindex: text('pod'), value: { doubleValue: 1.5 } },
      ],
    },
  },
  Object.fromEntries([
    ...[
      'resource_profiles.resource.attributes.value',
      'resource_profiles.scope_profiles.scope.attributes.value',
      'dictionary.attribute_table.value',
    ].flatMap((path) =>
      ['bool_value', 'int_value', 'double_value'].map((kind) => [
        `${path}.${kind}`,
        'numbers are no labels',
      ]),
    ),
    ['dictionary.attribute_table.unit_strindex', 'a text has no unit'],
    ...['name', 'version'].map((field) => [
      `resource_profiles.scope_profiles.scope.${field}`,
      'attributes are labels, and nothing else, as in Pyroscope',
    ]),
  ]),
);

everyField(
  'PusherService.Push',
  PushRequestSchema,
  { kind: 'push-request' },
  {
    series: [
      {
        labels: [
          { name: '__name__', value: 'block' },
          { name: 'pod', value: 'p1' },
        ],
        samples: [
          {
            rawProfile: Buffer.from(pprofOf('main 1', { timeMs: T0 })).toString('base64'),
            ID: 'f6591ef9-8f5a-46c3-a6f7-fb28929dd111',
          },
        ],
      },
    ],
  },
  { 'series.samples.ID': 'an id of the client does not make a repetition known, as in Pyroscope' },
);

/** What is stored of a service, as text. */
async function storedOf(service: string): Promise<string> {
  const rows = await server.app.store.rows(
    `SELECT type, toString(labels) AS labels, toString(ts) AS ts, toString(total) AS total, n
     FROM profiles INNER JOIN (SELECT series, any(labels) AS labels FROM series GROUP BY series) AS named
       USING series
     WHERE service = {service:String} ORDER BY ALL`,
    { params: { service } },
  );
  return JSON.stringify(rows);
}

const GROUPS = 'main;a 3\nmain;b 4';
const INGEST_CASES: Record<string, { set: Record<string, string | number>; refused?: RegExp }> = {
  name: { set: { name: '{SERVICE}{pod=a}' } },
  from: { set: { from: Math.floor(T0 / 1000) - 100 } },
  until: { set: { until: Math.floor(T0 / 1000) - 1 }, refused: /until \(.*\) is not after from/ },
  sampleRate: { set: { sampleRate: 50 } },
  spyName: { set: { spyName: 'gospy' } },
  format: { set: { format: 'lines' } },
  units: { set: { units: 'bytes' }, refused: /units=bytes/ },
  aggregationType: { set: { aggregationType: 'average' }, refused: /aggregationType=average/ },
};

test('POST /ingest: every parameter has a case', () => {
  assert.deepEqual(Object.keys(INGEST.params).sort(), Object.keys(INGEST_CASES).sort());
});

for (const [name, { set, refused }] of Object.entries(INGEST_CASES)) {
  test(`POST /ingest: ${name}`, async () => {
    const send = async (service: string, more: Record<string, string | number>) => {
      const given = { name: '{SERVICE}', from: Math.floor(T0 / 1000), ...more };
      const named = { ...given, name: String(given.name).replace('{SERVICE}', service) };
      const path = `/ingest?${searchOf(named)}`;
      const reply = await server.fetch(path, { method: 'POST', body: GROUPS });
      return [reply.status, await reply.text()] as const;
    };
    const [status, said] = await send(`with-${name}`, set);
    if (refused) {
      assert.match(said, refused);
      return;
    }
    assert.equal(status, 200, said);
    await send(`without-${name}`, {});
    assert.notEqual(await storedOf(`with-${name}`), await storedOf(`without-${name}`));
  });
}
