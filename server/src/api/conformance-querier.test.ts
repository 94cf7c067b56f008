/**
 * Every field of every request of `querier.v1.QuerierService` changes the answer, or is refused or
 * warned about by its name; in JSON by both names that it has, and in protobuf.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  type DescMethod,
  fromBinary,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { CPU_PROFILE_TYPE } from '@bunsen/profile';
import { QuerierService } from '@bunsen/proto/querier/v1/querier';
import { profileId } from '../query/profile-id.ts';
import { seriesId } from '../store/profile-batch.ts';
import { fieldPaths } from '../testing/field-paths.ts';
import { pprofOf, pprofWithLines } from '../testing/pprof-of.ts';
import { TestServer } from '../testing/test-server.ts';

const HOUR = 3_600_000;
const T0 = Math.floor(Date.now() / HOUR) * HOUR - HOUR;
const YESTERDAY = T0 - 24 * HOUR;
const SPAN = '9a517183f26a089d';
const OTHER_SPAN = '00000000000000ff';
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const INUSE = 'memory:inuse_space:bytes:space:bytes';
const POD_A = { service_name: 'conf', pod: 'a' };

let server: TestServer;
before(async () => {
  server = await TestServer.start();
  const push = (folded: string, ms: number, options: object) =>
    server.push(pprofOf(folded, { timeMs: T0 + ms, period: 1, ...options }));
  const labelsOf = (line: number) => ({
    ...POD_A,
    span_id: line === 0 ? SPAN : OTHER_SPAN,
    ...(line === 0 && { trace_id: TRACE }),
  });
  await push('main;a 3\nmain;b 4', 1_000, { labelsOf });
  await push('main;a 8', 61_000, { labels: { service_name: 'conf', pod: 'b', zone: 'x' } });
  const memory = {
    sampleTypes: [{ type: 'inuse_space', unit: 'bytes' }],
    periodType: { type: 'space', unit: 'bytes' },
  };
  await push('main;keep 5', 1_000, { labels: POD_A, ...memory });
  await push('main 1', YESTERDAY - T0, {
    labels: { service_name: 'past', rack: 'r1' },
    sampleTypes: [{ type: 'wall', unit: 'nanoseconds' }],
    periodType: { type: 'wall', unit: 'nanoseconds' },
  });
  await server.push(pprofWithLines([3, 4], 7, { service: 'lines', timeMs: T0 + 1_000 }));
});
after(() => server.close());

/** What is asked with a field, and what the answer is compared with. */
interface Case {
  set: JsonObject;
  /** Without the field; the base by default. */
  than?: JsonObject;
  /** It is refused, and the message says so. */
  refused?: RegExp;
  /** It has no effect, and a header says so. */
  warned?: RegExp;
  /** It has no effect on this answer, for a reason that lies in what is asked. */
  same?: string;
}
type Cases = Record<string, Case>;

const RANGE = { start: T0, end: T0 + 120_000 };
const OF = { profileTypeID: CPU_PROFILE_TYPE, labelSelector: '{service_name="conf"}', ...RANGE };

/** Of what there is: told apart by the day. */
const DAYS: Cases = {
  start: { set: { start: YESTERDAY } },
  end: {
    set: { start: YESTERDAY, end: YESTERDAY + 1000 },
    than: { start: YESTERDAY, end: RANGE.end },
  },
};
const SELECTED: Cases = {
  profile_typeID: { set: { profileTypeID: INUSE } },
  label_selector: { set: { labelSelector: '{pod="a"}' } },
  start: { set: { start: T0 + 60_000 } },
  end: { set: { end: T0 + 60_000 } },
};
const filter = (frameFilter: JsonObject): Case => ({
  set: { stackTraceSelector: { frameFilter } },
});
const FRAMES: Cases = {
  'stack_trace_selector.call_site.name': {
    set: { stackTraceSelector: { callSite: [{ name: 'main' }, { name: 'a' }] } },
  },
  'stack_trace_selector.frame_filter.include_function_names': filter({
    includeFunctionNames: ['a'],
  }),
  'stack_trace_selector.frame_filter.exclude_function_names': filter({
    excludeFunctionNames: ['a'],
  }),
  'stack_trace_selector.frame_filter.include_function_name_regexes': filter({
    includeFunctionNameRegexes: ['^a'],
  }),
  'stack_trace_selector.frame_filter.exclude_function_name_regexes': filter({
    excludeFunctionNameRegexes: ['^a'],
  }),
};
const ofLines = (goPgo: JsonObject) => ({
  labelSelector: '{service_name="lines"}',
  stackTraceSelector: { goPgo },
});
const GO_PGO: Cases = {
  'stack_trace_selector.go_pgo.keep_locations': {
    set: { stackTraceSelector: { goPgo: { keepLocations: 1 } } },
  },
  'stack_trace_selector.go_pgo.aggregate_callees': {
    set: ofLines({ keepLocations: 1, aggregateCallees: true }),
    than: ofLines({ keepLocations: 1 }),
  },
};
const IDS: Cases = {
  profile_id_selector: {
    set: { profileIdSelector: [profileId({ series: seriesId(POD_A), slotMs: T0 })] },
  },
  trace_id_selector: { set: { traceIdSelector: [TRACE] } },
};
const PPROF = { format: 'PROFILE_FORMAT_PPROF' };
const STACKTRACES: Cases = {
  ...SELECTED,
  ...FRAMES,
  ...GO_PGO,
  'stack_trace_selector.go_pgo.aggregate_callees': {
    set: { ...ofLines({ keepLocations: 1, aggregateCallees: true }), ...PPROF },
    than: { ...ofLines({ keepLocations: 1 }), ...PPROF },
  },
  ...IDS,
  max_nodes: { set: { maxNodes: 2 } },
  format: { set: { format: 'PROFILE_FORMAT_TREE' } },
  async: { set: { async: {} }, refused: /^async is not supported/ },
  span_selector: { set: { spanSelector: [SPAN] } },
};
const BY_POD = { groupBy: ['pod'] };
const OVER_TIME: Cases = {
  ...SELECTED,
  start: { set: { start: T0 + 119_000 } }, // a step before it counts
  group_by: { set: BY_POD },
  step: { set: { step: 120 } },
  limit: { set: { ...BY_POD, limit: 1 }, than: BY_POD },
};

/** A case of one side of a comparison. */
function ofSide(side: 'left' | 'right'): Cases {
  const both = { left: OF, right: OF };
  const cases = Object.entries({
    ...STACKTRACES,
    profile_typeID: { set: { profileTypeID: INUSE }, refused: /only profiles of one type/ },
    format: { set: { format: 'PROFILE_FORMAT_DOT' }, refused: new RegExp(`^${side}\\.format=`) },
    async: { set: { async: {} }, refused: /^async is not supported/ },
    'stack_trace_selector.go_pgo.aggregate_callees': {
      set: { stackTraceSelector: { goPgo: { aggregateCallees: true } } },
      same: 'a flame graph has no lines',
    },
  } satisfies Cases).map(([path, { set, than: _, ...rest }]: [string, Case]) => [
    `${side}.${path}`,
    { ...rest, set: { ...both, [side]: { ...OF, ...set } } },
  ]);
  const cut = { left: { ...OF, maxNodes: 2 }, right: { ...OF, maxNodes: 2 } };
  return {
    ...Object.fromEntries(cases),
    [`${side}.max_nodes`]: { set: { ...cut, [side]: { ...OF, maxNodes: 3 } }, than: cut },
  };
}

const METHODS: Record<string, { base: JsonObject; cases: Cases }> = {
  ProfileTypes: { base: RANGE, cases: DAYS },
  LabelNames: {
    base: RANGE,
    cases: { ...DAYS, matchers: { set: { matchers: ['{service_name="lines"}'] } } },
  },
  LabelValues: {
    base: { ...RANGE, name: 'service_name' },
    cases: {
      ...DAYS,
      name: { set: { name: 'pod' } },
      matchers: { set: { matchers: ['{service_name="lines"}'] } },
    },
  },
  Series: {
    base: RANGE,
    cases: {
      ...DAYS,
      matchers: { set: { matchers: ['{service_name="lines"}'] } },
      label_names: { set: { labelNames: ['pod'] } },
    },
  },
  SelectMergeStacktraces: { base: OF, cases: STACKTRACES },
  SelectMergeSpanProfile: {
    base: { ...OF, spanSelector: [SPAN, OTHER_SPAN] },
    cases: {
      ...SELECTED,
      label_selector: { set: { labelSelector: '{pod="b"}' } },
      end: { set: { start: T0 - 60_000, end: T0 } },
      span_selector: { set: { spanSelector: [SPAN] } },
      max_nodes: { set: { maxNodes: 2 } },
      format: { set: { format: 'PROFILE_FORMAT_TREE' } },
    },
  },
  SelectMergeProfile: {
    base: OF,
    cases: {
      ...SELECTED,
      ...FRAMES,
      ...GO_PGO,
      ...IDS,
      max_nodes: { set: { maxNodes: 2 }, warned: /max_nodes=2 has no effect/ },
    },
  },
  SelectSeries: {
    base: { ...OF, step: 60 },
    cases: {
      ...OVER_TIME,
      ...FRAMES,
      'stack_trace_selector.go_pgo.keep_locations': {
        set: { stackTraceSelector: { goPgo: { keepLocations: 1 } } },
        refused: /^stack_trace_selector\.go_pgo is not supported/,
      },
      'stack_trace_selector.go_pgo.aggregate_callees': {
        set: { stackTraceSelector: { goPgo: { aggregateCallees: true } } },
        refused: /^stack_trace_selector\.go_pgo is not supported/,
      },
      aggregation: {
        set: { step: 120, aggregation: 'TIME_SERIES_AGGREGATION_TYPE_AVERAGE' },
        than: { step: 120 },
      },
      exemplar_type: { set: { exemplarType: 'EXEMPLAR_TYPE_INDIVIDUAL' } },
    },
  },
  SelectHeatmap: {
    base: { ...OF, step: 60 },
    cases: {
      ...OVER_TIME,
      query_type: { set: { queryType: 'HEATMAP_QUERY_TYPE_SPAN' } },
      exemplar_type: { set: { exemplarType: 'EXEMPLAR_TYPE_INDIVIDUAL' } },
    },
  },
  Diff: { base: { left: OF, right: OF }, cases: { ...ofSide('left'), ...ofSide('right') } },
  GetProfileStats: { base: {}, cases: {} },
  AnalyzeQuery: {
    base: { ...RANGE, query: '{service_name="conf"}' },
    cases: {
      start: { set: { start: T0 + 60_000 } },
      end: { set: { end: T0 + 60_000 } },
      query: { set: { query: '{service_name="lines"}' } },
    },
  },
};

interface Answer {
  status: number;
  code: string | null;
  warning: string | null;
  /** Of a refusal. */
  message: string;
  /** As JSON, in an order of its own. */
  answer: JsonValue;
}

/** How a request may be written: by the fields' names in JSON, by those in the protocol, and in bytes. */
const FORMS = ['JSON', 'JSON by original names', 'protobuf'] as const;

async function ask(
  method: DescMethod,
  form: (typeof FORMS)[number],
  json: JsonObject,
): Promise<Answer> {
  const { input, output } = method;
  const request = fromJson(input, json);
  const useProtoFieldName = form === 'JSON by original names';
  const isJson = form !== 'protobuf';
  const reply = await server.fetch(`/${method.parent.typeName}/${method.name}`, {
    method: 'POST',
    headers: { 'content-type': isJson ? 'application/json' : 'application/proto' },
    body: isJson
      ? JSON.stringify(toJson(input, request, { useProtoFieldName }))
      : (toBinary(input, request) as Uint8Array<ArrayBuffer>),
  });
  const bytes = new Uint8Array(await reply.arrayBuffer());
  const ok = reply.status === 200;
  const text = ok && !isJson ? '' : new TextDecoder().decode(bytes);
  const message: Message =
    isJson || !ok ? fromJson(output, ok ? JSON.parse(text) : {}) : fromBinary(output, bytes);
  return {
    status: reply.status,
    code: reply.headers.get('bunsen-code'),
    warning: reply.headers.get('bunsen-warning'),
    message: ok ? '' : JSON.parse(text).message,
    answer: ordered(toJson(output, message) as JsonObject),
  };
}

/** Samples of a profile come in any order, and ids of what they refer to with them. */
function ordered(answer: JsonObject): JsonValue {
  const profile = ((answer['pprof'] as JsonObject | undefined)?.['profile'] ?? answer) as Profile;
  if (!profile.sample) return answer;
  const { sample, location = [], function: functions = [], stringTable = [] } = profile;
  const lineOf = (id: string) => {
    const [line] = location.find((each) => each.id === id)?.line ?? [];
    const name = functions.find((each) => each.id === line?.functionId)?.name ?? '0';
    return `${stringTable[Number(name)]}:${line?.line ?? 0}`;
  };
  return sample.map(({ locationId, value }) => `${locationId.map(lineOf).join()} ${value}`).sort();
}

interface Profile {
  sample?: { locationId: string[]; value: string[] }[];
  location?: { id: string; line: { functionId: string; line?: string }[] }[];
  function?: { id: string; name: string }[];
  stringTable?: string[];
}

for (const method of QuerierService.methods) {
  const { base, cases } = METHODS[method.name] ?? { base: {}, cases: {} };

  test(`${method.name}: every field has a case`, () => {
    assert.deepEqual(Object.keys(cases).sort(), fieldPaths(method.input).sort());
  });

  for (const [path, { set, than, refused, warned, same }] of Object.entries(cases)) {
    test(`${method.name}: ${path}`, async () => {
      const without = await ask(method, 'JSON', { ...base, ...than });
      assert.equal(without.status, 200, without.message);
      const replies = await Promise.all(
        FORMS.map((form) => ask(method, form, { ...base, ...set })),
      );
      for (const [i, reply] of replies.entries()) {
        if (refused) {
          assert.match(reply.message, refused, FORMS[i]);
          assert.ok(reply.code, FORMS[i]);
          continue;
        }
        assert.equal(reply.status, 200, reply.message);
        assert.deepEqual(reply.answer, replies[0]?.answer, FORMS[i]);
        if (warned) assert.match(reply.warning ?? '', warned);
        if (warned || same) assert.deepEqual(reply.answer, without.answer, FORMS[i]);
        else assert.notDeepEqual(reply.answer, without.answer, FORMS[i]);
      }
    });
  }
}
