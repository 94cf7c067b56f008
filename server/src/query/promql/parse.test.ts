import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unquote } from '@bunsen/profile';
import { formatPromql } from './format.ts';
import { formatDuration, formatNumber, parseDuration, parseNumber } from './literals.ts';
import { parseMetricSelector, parsePromql } from './parse.ts';

test('what is evaluated, in the form that Prometheus gives it', () => {
  const cases: [string, string?][] = [
    ['process_cpu:cpu:nanoseconds:cpu:nanoseconds'],
    ['a{b="c",d!="e",f=~"g.*",h!~"i"}'],
    ["a { b = 'c\"' , } # comment", 'a{b="c\\""}'],
    ['{"a.b:c/d", x="1"}', '{"a.b:c/d",x="1"}'],
    ['{"a:b:c:d:e"}', 'a:b:c:d:e'],
    ['{__name__="a"}'],
    ['{"k8s.pod"=~`\\d`}', '{"k8s.pod"=~"\\\\d"}'],
    ['a offset 90m', 'a offset 1h30m'],
    ['a offset -5m'],
    ['a > -b offset 5m'],
    ['rate(a[5m])'],
    ['rate(a[300] offset 1d)', 'rate(a[5m] offset 1d)'],
    [
      'sum(rate(a[5m])) by (service_name, "k8s.pod")',
      'sum by (service_name, "k8s.pod") (rate(a[5m]))',
    ],
    ['sum without(x)(a)', 'sum without (x) (a)'],
    ['topk(3, a)'],
    ['-a'],
    ['1 + 2 * 3'],
    ['(1 + 2) * -3'],
    ['a / on (x) b'],
    ['a >= bool 0x10', 'a >= bool 16'],
    ['rate(a[1m]) / 1e9 > 0.5', 'rate(a[1m]) / 1e+09 > 0.5'],
    ['1h', '3600'],
    ['Inf', '+Inf'],
    ['-2^2', '-2 ^ 2'],
    ['sum by(a)((b))', 'sum by (a) ((b))'],
    ['0.000012', '1.2e-05'],
    ['123456.5'],
  ];
  for (const [text, formatted = text] of cases) {
    assert.equal(formatPromql(parsePromql(text)), formatted);
    assert.equal(formatPromql(parsePromql(formatted)), formatted);
  }
  const compared = parsePromql('a > b offset 5m');
  assert.ok(compared.kind === 'binary' && compared.left.kind === 'selector');
  assert.equal(compared.left.offsetMs, 0);
  const product = parsePromql('1 + 2 * 3');
  assert.ok(
    product.kind === 'binary' && product.operator === '+' && product.right.kind === 'binary',
  );
});

test('what is not evaluated is named, with its position', () => {
  const cases: [string, RegExp][] = [
    ['histogram_quantile(0.9, a)', /position 0: the function histogram_quantile\(\)/],
    ['1 + absent(a)', /position 4: the function absent\(\)/],
    ['quantile(0.9, a)', /the aggregation quantile/],
    ['rate(a[5m:1m])', /a subquery/],
    ['a @ 5', /the modifier @/],
    ['rate(a[5m] @ start())', /the modifier @/],
    ['a and b', /the operator and/],
    ['a unless b', /the operator unless/],
    ['a atan2 b', /the operator atan2/],
    ['a / on(x) group_left(y) b', /group_left/],
    ['"text"', /a string as a value/],
    ['rate(a[5m + 1m])', /the duration "5m \+ 1m"/],
    ['sum(a) offset 5m', /an offset of AggregateExpr/],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => parsePromql(text), { code: 'PROMQL_UNSUPPORTED', message }, text);
  }
});

test('what is wrong is said, with its position', () => {
  const cases: [string, RegExp][] = [
    ['', /unexpected "the end" at position 0/],
    ['a ==', /unexpected "the end" at position 4/],
    ['sum(a', /at position 5/],
    ['a{b=c}', /at position 4/],
    ['{}', /a metric name or a matcher/],
    ['a[5m]', /a range such as \[5m\] must stand inside of a function/],
    ['rate(a)', /rate\(\) takes a selector with a range/],
    ['rate(a[5m], 1)', /takes one argument, and has 2/],
    ['rate(a[0s])', /longer than 0/],
    ['sum(1)', /sum takes a vector/],
    ['topk(a)', /topk takes a number and a vector, and has 1/],
    ['topk(a, a)', /topk takes a number first/],
    ['1 > 2', /needs bool/],
    ['1e400', /1e400 is beyond/],
    ['1 + bool 2', /bool is for comparisons|unexpected/],
    ['a > on(x) 1', /on and ignoring are for two vectors/],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => parsePromql(text), { code: 'PROMQL_MALFORMED', message }, text);
  }
  assert.throws(() => parseMetricSelector('rate(a[5m])'), { code: 'PROMQL_MALFORMED' });
});

test('numbers, durations and text', () => {
  for (const [text, value] of [
    ['1e3', 1000],
    ['.5', 0.5],
    ['0x1F', 31],
    ['010', 8],
    ['1_000', 1000],
    ['-Inf', Number.NEGATIVE_INFINITY],
    ['1m30s', 90],
  ] as const) {
    assert.equal(parseNumber(text), value, text);
  }
  assert.ok(Number.isNaN(parseNumber('NaN')));
  for (const [value, text] of [
    [1e21, '1000000000000000000000'],
    [-1.5e-7, '-0.00000015'],
    [1.25e22, '12500000000000000000000'],
    [0.1, '0.1'],
    [-0, '-0'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
    [Number.NaN, 'NaN'],
  ] as const) {
    assert.equal(formatNumber(value), text);
  }
  for (const [ms, text] of [
    [0, '0s'],
    [90_061_500, '1d1h1m1s500ms'],
    [14 * 86_400_000, '2w'],
    [9 * 86_400_000, '9d'],
  ] as const) {
    assert.equal(formatDuration(ms), text);
    assert.equal(parseDuration(text), ms);
  }
  assert.equal(parseDuration('1.5'), 1500);
  for (const text of ['', 'm', '5x', '1m1h', '-5m']) assert.equal(parseDuration(text), undefined);
  assert.equal(unquote('"a\\n\\x41\\u00e9\\U0001F600\\101\\"\\\\"'), 'a\nAé😀A"\\');
  assert.equal(unquote('`\\n`'), '\\n');
});
