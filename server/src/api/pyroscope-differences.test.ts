import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { CPU_PROFILE_TYPE } from '@bunsen/profile';
import { HeatmapQueryType, ProfileFormat, QuerierService } from '@bunsen/proto/querier/v1/querier';
import { ExemplarType, TimeSeriesAggregationType } from '@bunsen/proto/types/v1/types';
import { type Client, Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { pprofOf } from '../testing/pprof-of.ts';
import { TestServer } from '../testing/test-server.ts';

const T0 = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000;
const HOUR = { start: BigInt(T0), end: BigInt(T0 + 3_600_000) };
const SLOT = 15_000;

let server: TestServer;
let client: Client<typeof QuerierService>;
before(async () => {
  server = await TestServer.start();
  client = createClient(
    QuerierService,
    createConnectTransport({ baseUrl: server.url, httpVersion: '1.1' }),
  );
});
after(() => server.close());

const table = readFileSync(new URL('../../PYROSCOPE.md', import.meta.url), 'utf8');
const [, section = ''] = table.split('## `querier.v1.QuerierService`');
const rows = [...section.matchAll(/^\| ([^|]+) \|/gm)].map(([, cell = '']) => cell).slice(1);
const tested = new Set<string>();

/** A test whose name is a row of the table. */
function differs(name: string, run: () => Promise<void>): void {
  assert.ok(rows.includes(name), `PYROSCOPE.md has no row ${name}`);
  tested.add(name);
  test(name, run);
}

async function push(folded: string, service: string, options: object = {}): Promise<void> {
  const labels = { service_name: service };
  await server.push(pprofOf(folded, { labels, timeMs: T0, period: 1, ...options }));
}

const requestOf = (service: string) => ({
  profileTypeID: CPU_PROFILE_TYPE,
  labelSelector: `{service_name="${service}"}`,
  ...HOUR,
});

async function refusal(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(() => undefined, ConnectError.from);
  assert.ok(error, 'it was not refused');
  return error;
}

differs(
  'a profile type in front of the braces of a matcher is a condition on the type',
  async () => {
    await push('main 1', 'typed');
    const of = async (type: string) =>
      (await client.labelValues({ name: 'service_name', matchers: [`${type}{}`], ...HOUR })).names;
    assert.ok((await of(CPU_PROFILE_TYPE)).includes('typed'));
    assert.ok((await of('process_cpu')).includes('typed'));
    assert.deepEqual(await of(CPU_PROFILE_TYPE.replace('cpu', 'gpu')), []);
  },
);

differs('label methods without a range are about the last hour', async () => {
  await push('main 1', 'now', { timeMs: Date.now() });
  assert.ok((await client.labelNames({})).names.includes('service_name'));
  assert.ok((await client.labelValues({ name: 'service_name' })).names.includes('now'));
  assert.ok((await client.series({})).labelsSet.length > 0);
  assert.equal((await client.profileTypes({})).profileTypes.length, 1);
});

differs('at most max_nodes nodes are kept, also of equal ones', async () => {
  await push(Array.from({ length: 50 }, (_, i) => `f${i} 1`).join('\n'), 'equal');
  const { flamegraph } = await client.selectMergeStacktraces({
    ...requestOf('equal'),
    maxNodes: 11n,
  });
  const [, nodes] = flamegraph?.levels ?? [];
  assert.equal((nodes?.values.length ?? 0) / 4, 11); // ten, and `other`; the root is above
  assert.equal(flamegraph?.total, 50n);
});

differs('functions of one name in two binaries are two nodes', async () => {
  for (const binary of ['one', 'two']) await push('main 1', 'binaries', { moduleOf: () => binary });
  const { flamegraph } = await client.selectMergeStacktraces(requestOf('binaries'));
  assert.deepEqual(flamegraph?.names, ['total', 'main']);
  assert.deepEqual(flamegraph?.levels[1]?.values.map(Number), [0, 1, 1, 1, 0, 1, 1, 1]);
});

differs('call_site and go_pgo may be given at once, and both count', async () => {
  await push('main;a;b 1\nstart;a;b 2', 'pgo');
  const stackTraceSelector = { callSite: [{ name: 'main' }], goPgo: { keepLocations: 1 } };
  const request = { ...requestOf('pgo'), stackTraceSelector };
  const { flamegraph } = await client.selectMergeStacktraces(request);
  assert.deepEqual([flamegraph?.names, flamegraph?.total], [['total', 'b'], 1n]);
});

differs('a field that is not supported is refused by its name', async () => {
  const goPgo = { stackTraceSelector: { goPgo: { keepLocations: 5 } }, step: 60 };
  for (const [field, call] of [
    ['async', client.selectMergeStacktraces({ ...requestOf('x'), async: {} })],
    ['stack_trace_selector.go_pgo', client.selectSeries({ ...requestOf('x'), ...goPgo })],
  ] as const) {
    const error = await refusal(call);
    assert.equal(error.code, Code.Unimplemented);
    assert.ok(error.rawMessage.startsWith(`${field} is not supported`), error.rawMessage);
  }
});

/** Of the only series, all in one point. */
async function exemplarsOf(service: string, exemplarType = ExemplarType.INDIVIDUAL) {
  const request = { ...requestOf(service), step: 3600, exemplarType };
  const { series } = await client.selectSeries(request);
  return series[0]?.points.flatMap(({ exemplars }) => exemplars) ?? [];
}

differs(
  'the id of a profile leads to all that its series has in a slot of 15 seconds',
  async () => {
    await push('main 1', 'twice', { timeMs: T0 + 1 });
    await push('main 2', 'twice', { timeMs: T0 + SLOT - 1 });
    const [exemplar] = await exemplarsOf('twice');
    assert.deepEqual([exemplar?.timestamp, exemplar?.value], [BigInt(T0 + SLOT - 1), 2n]);
    const request = { ...requestOf('twice'), profileIdSelector: [exemplar?.profileId ?? ''] };
    assert.equal((await client.selectMergeStacktraces(request)).flamegraph?.total, 3n);
  },
);

differs(
  'the id of a profile is made of its series and slot, and other ids are refused',
  async () => {
    await push('main 1', 'same', { timeMs: T0 + 1 });
    const before = await exemplarsOf('same');
    await push('main 1', 'same', { timeMs: T0 + 2 });
    const [{ profileId } = { profileId: '' }] = await exemplarsOf('same');
    assert.equal(profileId, before[0]?.profileId);
    const profileIdSelector = [profileId.replace(/.$/, '1')];
    const request = { ...requestOf('same'), profileIdSelector };
    assert.match((await refusal(client.selectMergeStacktraces(request))).rawMessage, /not the id/);
  },
);

const SPAN = '9a517183f26a089d';

differs('a series has exemplars of spans too', async () => {
  await push('main 4', 'span', { labels: { service_name: 'span', span_id: SPAN } });
  const [exemplar] = await exemplarsOf('span', ExemplarType.SPAN);
  assert.deepEqual([exemplar?.spanId, exemplar?.value], [SPAN, 4n]);
});

differs('spans, traces and profiles may be selected at once, and all of it counts', async () => {
  const trace = SPAN + SPAN;
  const labelsOf = (line: number) => ({
    service_name: 'both',
    span_id: line === 0 ? SPAN : '00000000000000ff',
    trace_id: line < 2 ? trace : '',
  });
  await push('main 1\nmain 2\nmain 4', 'both', { labelsOf });
  const [{ profileId } = { profileId: '' }] = await exemplarsOf('both');
  const totalOf = async (selectors: object) =>
    (await client.selectMergeStacktraces({ ...requestOf('both'), ...selectors })).flamegraph?.total;
  const selectors = { traceIdSelector: [trace], profileIdSelector: [profileId] };
  assert.equal(await totalOf(selectors), 3n);
  assert.equal(await totalOf({ ...selectors, spanSelector: ['00000000000000ff'] }), 2n);
});

differs('a heatmap has exemplars of what it counts, and of nothing else', async () => {
  const request = { ...requestOf('x'), step: 60, queryType: HeatmapQueryType.SPAN };
  const exemplarType = ExemplarType.INDIVIDUAL;
  const error = await refusal(client.selectHeatmap({ ...request, exemplarType }));
  assert.match(error.rawMessage, /what is counted are spans/);
});

differs(
  'exemplars and averages are of whole profiles, so they go with no selector of stacks',
  async () => {
    const stackTraceSelector = { frameFilter: { includeFunctionNames: ['main'] } };
    const request = { ...requestOf('x'), step: 60, stackTraceSelector };
    for (const whole of [
      { exemplarType: ExemplarType.INDIVIDUAL },
      { aggregation: TimeSeriesAggregationType.AVERAGE },
    ]) {
      const error = await refusal(client.selectSeries({ ...request, ...whole }));
      assert.match(error.rawMessage, /leave out stack_trace_selector/);
    }
  },
);

differs('max_nodes of a whole profile is answered with a warning', async () => {
  await push('main;a 1\nmain;b 2', 'profile');
  let warning: string | null = null;
  const onHeader = (headers: Headers) => {
    warning = headers.get('bunsen-warning');
  };
  const request = { ...requestOf('profile'), maxNodes: 1n };
  const { sample } = await client.selectMergeProfile(request, { onHeader });
  assert.equal(sample.length, 2);
  assert.match(warning ?? '', /max_nodes=1 has no effect/);
});

differs('the sides of a comparison have no format', async () => {
  const left = { ...requestOf('x'), format: ProfileFormat.TREE };
  const error = await refusal(client.diff({ left, right: requestOf('x') }));
  assert.match(error.rawMessage, /^left\.format=2: a comparison is a flame graph/);
});

differs('a filter of frames counts for time series too', async () => {
  await push('main;a 1\nmain;b 2', 'filtered', { timeMs: T0 + 1 });
  const stackTraceSelector = { frameFilter: { excludeFunctionNames: ['a'] } };
  assert.deepEqual(await seriesOf('filtered', { stackTraceSelector }), [[60, 2]]);
});

differs('an error has its stable code in the header bunsen-code', async () => {
  const error = await refusal(
    client.selectMergeStacktraces({ ...requestOf('x'), profileTypeID: 'x' }),
  );
  assert.equal(error.metadata.get('bunsen-code'), 'PROFILE_TYPE_MALFORMED');
});

differs(
  'a span is named by 16 hexadecimal digits, and at least one for a profile of spans',
  async () => {
    for (const spanSelector of [[], ['9a51'], ['main']]) {
      const error = await refusal(
        client.selectMergeSpanProfile({ ...requestOf('x'), spanSelector }),
      );
      assert.equal(error.code, Code.InvalidArgument);
      assert.match(error.rawMessage, /^span_selector/);
    }
  },
);

differs('a range without its end is refused, and one of no length too', async () => {
  for (const end of [0n, HOUR.start]) {
    const error = await refusal(client.selectMergeStacktraces({ ...requestOf('x'), end }));
    assert.equal(error.code, Code.InvalidArgument);
  }
});

differs('flame graphs are of whole slots of 15 seconds', async () => {
  await push('main 1', 'slots');
  const totalOf = async (fromMs: number) => {
    const range = { start: BigInt(fromMs), end: HOUR.end };
    const request = { ...requestOf('slots'), ...range };
    return (await client.selectMergeStacktraces(request)).flamegraph?.total;
  };
  assert.equal(await totalOf(T0 + SLOT - 1), 1n);
  assert.equal(await totalOf(T0 + SLOT), 0n);
});

/** Labels, and values by the seconds since T0. */
async function seriesOf(service: string, more: object): Promise<unknown[]> {
  const { series } = await client.selectSeries({ ...requestOf(service), step: 60, ...more });
  return series.flatMap(({ points }) =>
    points.map(({ timestamp, value }) => [(Number(timestamp) - T0) / 1000, value]),
  );
}

differs('an average over time is the mean of the profiles in a bucket', async () => {
  for (const value of [1, 5]) await push(`main ${value}`, 'average');
  const aggregation = TimeSeriesAggregationType.AVERAGE;
  assert.deepEqual(await seriesOf('average', { aggregation }), [[0, 3]]);
  assert.deepEqual(await seriesOf('average', {}), [[0, 6]]);
});

differs('a call site has its own series, by the slot of 15 seconds', async () => {
  await push('main;a 1\nmain;b 2', 'site');
  const stackTraceSelector = { callSite: [{ name: 'main' }, { name: 'b' }] };
  // The middle of the slot that begins at T0 is after the edge at T0.
  assert.deepEqual(await seriesOf('site', { stackTraceSelector }), [[60, 2]]);
  assert.deepEqual(await seriesOf('site', {}), [[0, 3]]);
});

differs('a series has at most 11000 points, and an answer 1000 series', async () => {
  const long = { step: 0.001, end: HOUR.start + 11_000n };
  assert.match((await refusal(seriesOf('x', long))).rawMessage, /at most 11000/);
  assert.match((await refusal(seriesOf('x', { limit: 1001n }))).rawMessage, /limit=1001/);
  const lines = Array.from({ length: 1001 }, (_, i) => `main ${1 + i}`).join('\n');
  const labelsOf = (line: number) => ({ service_name: 'many', pod: `${line}` });
  await push(lines, 'many', { labelsOf });
  let warning: string | null = '';
  const request = { ...requestOf('many'), step: 60, groupBy: ['pod'] };
  const onHeader = (headers: Headers) => {
    warning = headers.get('bunsen-warning');
  };
  const { series } = await client.selectSeries(request, { onHeader });
  assert.deepEqual([series.length, series[0]?.labels[0]?.value], [1000, '1000']);
  assert.match(warning, /1001 series match; these are the largest 1000/);
});

differs('AnalyzeQuery counts series, profiles and samples, but no bytes', async () => {
  for (let i = 0; i < 3; i++) await push('main;a 1\nmain;b 2', 'sizes');
  const { queryScopes, queryImpact } = await client.analyzeQuery({
    query: '{service_name="sizes"}',
    ...HOUR,
  });
  const [scope] = queryScopes;
  assert.deepEqual([scope?.seriesCount, scope?.profileCount, scope?.sampleCount], [1n, 3n, 6n]);
  assert.deepEqual([scope?.profileBytes, queryImpact?.totalBytesInTimeRange], [0n, 0n]);
});

differs('there is one tenant, whatever X-Scope-OrgID says', async () => {
  await push('main 1', 'tenant');
  for (const tenant of ['anonymous', 'other']) {
    const headers = { 'x-scope-orgid': tenant };
    const { flamegraph } = await client.selectMergeStacktraces(requestOf('tenant'), { headers });
    assert.equal(flamegraph?.total, 1n);
  }
});

test('every row of the table has its test', () => {
  assert.deepEqual(
    rows.filter((row) => !tested.has(row)),
    [],
  );
});
