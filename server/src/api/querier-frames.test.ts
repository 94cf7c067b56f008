/** Stacks by the names of their functions: `stack_trace_selector.frame_filter`. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CPU_PROFILE_TYPE } from '@bunsen/profile';
import { QuerierService } from '@bunsen/proto/querier/v1/querier';
import { createClient } from '@connectrpc/connect';
import { pprofOf } from '../testing/pprof-of.ts';
import { postJson, type Refusal, TRANSPORTS } from '../testing/rpc-clients.ts';
import { TestServer } from '../testing/test-server.ts';

const T0 = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000;
/** Each stack has a value of its own. */
const FOLDED =
  'main;a 1\nmain;a;b 2\nmain;b 4\nmain;wait.sleep 8\nmain;a;wait.sleep 16\nother;a.b 32';

let server: TestServer;
before(async () => {
  server = await TestServer.start();
  const labels = { service_name: 'frames' };
  await server.push(pprofOf(FOLDED, { labels, timeMs: T0 + 1, period: 1 }));
});
after(() => server.close());

const request = {
  profileTypeID: CPU_PROFILE_TYPE,
  labelSelector: '{service_name="frames"}',
  start: BigInt(T0),
  end: BigInt(T0 + 60_000),
};
const clientOf = (name = 'connect, HTTP/2') =>
  createClient(QuerierService, TRANSPORTS[name]!(server.url));

const CASES: [name: string, selector: object, total: number][] = [
  ['nothing', {}, 63],
  ['a function', { includeFunctionNames: ['a'] }, 19],
  ['every one of them', { includeFunctionNames: ['a', 'b'] }, 2],
  ['none of them', { excludeFunctionNames: ['a', 'other'] }, 12],
  ['both', { includeFunctionNames: ['a'], excludeFunctionNames: ['wait.sleep'] }, 3],
  ['one that is nowhere', { includeFunctionNames: ['nowhere'] }, 0],
  ['a regex, somewhere in the name', { includeFunctionNameRegexes: ['sleep'] }, 24],
  ['every regex', { includeFunctionNameRegexes: ['^a$', 'sl..p$'] }, 16],
  ['no regex', { excludeFunctionNameRegexes: ['^wait', '^other$'] }, 7],
  ['a dot that is one', { includeFunctionNameRegexes: ['^a\\.b$'] }, 32],
  [
    'all four',
    {
      includeFunctionNames: ['main'],
      excludeFunctionNames: ['b'],
      includeFunctionNameRegexes: ['^a'],
      excludeFunctionNameRegexes: ['sleep'],
    },
    1,
  ],
];

for (const [name, frameFilter, total] of CASES) {
  test(`frame_filter asks for ${name}`, async () => {
    const stackTraceSelector = { frameFilter };
    const { flamegraph } = await clientOf().selectMergeStacktraces({
      ...request,
      stackTraceSelector,
    });
    assert.equal(flamegraph?.total, BigInt(total));
    const profile = await clientOf().selectMergeProfile({ ...request, stackTraceSelector });
    assert.equal(
      profile.sample.reduce((sum, { value }) => sum + Number(value[0]), 0),
      total,
    );
    const { series } = await clientOf().selectSeries({ ...request, stackTraceSelector, step: 60 });
    assert.equal(series[0]?.points[0]?.value ?? 0, total);
  });
}

test('with the start of the stack, and with what a Go compiler is given', async () => {
  const totalOf = async (selector: object) => {
    const stackTraceSelector = { frameFilter: { includeFunctionNames: ['b'] }, ...selector };
    const merged = await clientOf('gRPC, JSON').selectMergeStacktraces({
      ...request,
      stackTraceSelector,
    });
    return [merged.flamegraph?.total, merged.flamegraph?.names];
  };
  const callSite = [{ name: 'main' }, { name: 'a' }];
  assert.deepEqual(await totalOf({ callSite }), [2n, ['total', 'main', 'a', 'b']]);
  assert.deepEqual(await totalOf({ goPgo: { keepLocations: 1 } }), [6n, ['total', 'b']]);
});

test('what is wrong with it is named', async () => {
  for (const [frameFilter, code, message] of [
    [{ includeFunctionNameRegexes: ['a('] }, 'REGEX_MALFORMED', /a\(/],
    [{ excludeFunctionNameRegexes: ['(?=a)'] }, 'REGEX_MALFORMED', /\(\?=/],
    [
      { includeFunctionNames: Array(101).fill('a') },
      'PARAMETER_INVALID',
      /frame_filter has 101 names and regular expressions; at most 100/,
    ],
    [
      { excludeFunctionNames: ['a'.repeat(70_000)] },
      'PARAMETER_INVALID',
      /frame_filter has 70000 characters; at most 65536/,
    ],
  ] as const) {
    for (const method of ['SelectMergeStacktraces', 'SelectSeries']) {
      const refused = await postJson<Refusal>(`${server.url}/querier.v1.QuerierService/${method}`, {
        ...request,
        start: T0,
        end: T0 + 60_000,
        step: 15,
        stackTraceSelector: { frameFilter },
      });
      assert.equal(refused.headers.get('bunsen-code'), code, refused.body.message);
      assert.match(refused.body.message, message);
    }
  }
});

test('the largest filter there may be', async () => {
  const frameFilter = {
    excludeFunctionNames: Array.from({ length: 100 }, (_, i) => `${i}`.padEnd(655, 'ü')),
  };
  const { flamegraph } = await clientOf().selectMergeStacktraces({
    ...request,
    stackTraceSelector: { frameFilter },
  });
  assert.equal(flamegraph?.total, 63n);
});
