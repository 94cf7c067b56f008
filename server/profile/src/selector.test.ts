import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSelector, parseSelector, unquote } from './selector.ts';

const TYPE = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds';

test('a type and matchers, in any of their forms', () => {
  const service = { name: 'service_name', operator: '=', value: 'api' } as const;
  const node = { name: 'k8s.node', operator: '=~', value: 'a\\.b' } as const;
  const cases: [string, ReturnType<typeof parseSelector>][] = [
    [`${TYPE}{}`, { profileType: TYPE, matchers: [] }],
    [` ${TYPE} { service_name = 'api' , } `, { profileType: TYPE, matchers: [service] }],
    ['{service_name="api"}', { profileType: '', matchers: [service] }],
    [`{"${TYPE}", service_name="api"}`, { profileType: TYPE, matchers: [service] }],
    [`{"${TYPE}"}`, { profileType: TYPE, matchers: [] }],
    ['{"k8s.node"=~"a\\\\.b"}', { profileType: '', matchers: [node] }],
    ['{k8s.node=~`a\\.b`}', { profileType: '', matchers: [node] }],
    [
      '{"http-path"!="x", "1st"!~"y"}',
      {
        profileType: '',
        matchers: [
          { name: 'http_path', operator: '!=', value: 'x' },
          { name: '_1st', operator: '!~', value: 'y' },
        ],
      },
    ],
  ];
  for (const [text, selector] of cases) {
    assert.deepEqual(parseSelector(text), selector, text);
    if (selector.profileType || selector.matchers.length > 0) {
      assert.deepEqual(parseSelector(formatSelector(selector)), selector, text);
    }
  }
});

test('what cannot be read shows the place', () => {
  const cases: [string, RegExp][] = [
    ['', /expected a profile type or \{ at position 0/],
    ['{', /expected a label name or \} at position 1/],
    ['{a}', /expected =, !=, =~ or !~ at position 2/],
    ['{"a"', /expected =, !=/],
    [`${TYPE}{"${TYPE}"}`, /expected =, !=/],
    ['{a="b" c="d"}', /expected , or \} at position 7/],
    ['{a=b}', /expected a quoted value at position 3/],
    ['{a=~"v\\d"}', /escapes as Go has them.* at position 4/],
    ['{a="b"} x', /expected the end/],
  ];
  for (const [text, message] of cases) assert.throws(() => parseSelector(text), message, text);
});

test("quoted text has Go's escapes, between backticks none, and others are none", () => {
  assert.equal(
    unquote(String.raw`"a\n\t\\\"\x41\u00e9\U0001F600\101\xc3\xa9é"`),
    'a\n\t\\"Aé😀Aéé',
  );
  assert.equal(unquote('`\\d"`'), '\\d"');
  for (const wrong of ['"\\d"', '"\\."', '"\\x4"', '"\\777"', '"\\U00110000"']) {
    assert.equal(unquote(wrong), undefined, wrong);
  }
});
