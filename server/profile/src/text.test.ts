import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFolded } from './folded.ts';
import { formatFrame, functionOfFrame, nameOfFrame, parseFrame } from './frame.ts';
import { checkLabels, LABEL_LIMITS } from './label.ts';
import { CPU_PROFILE_TYPE, formatProfileType, parseProfileType } from './profile-type.ts';
import { formatSelector, parseSelector } from './selector.ts';

test('frames come back field by field, and drop what is empty at the end', () => {
  const frame = { name: 'main', module: 'app', file: 'main.c', line: 12, buildId: 'ab' };
  assert.deepEqual(parseFrame(formatFrame(frame)), frame);
  assert.equal(formatFrame({ name: 'main' }), 'main');
  assert.equal(formatFrame({ name: 'a\x1fb\nc' }), 'a b c');
  assert.equal(formatFrame({ name: '' }), '[unknown]');
  assert.equal(functionOfFrame(formatFrame(frame)), formatFrame({ name: 'main', module: 'app' }));
  assert.equal(functionOfFrame(formatFrame({ name: 'f', file: 'f.c' })), 'f');
  assert.equal(nameOfFrame(formatFrame(frame)), 'main');
});

test('folded text: counts, blanks in names, empty lines', () => {
  const folded = parseFolded('a;operator new 3\n\n  b 4  \r\n');
  assert.deepEqual(folded.frames, ['a', 'operator new', 'b']);
  assert.deepEqual(Array.from(folded.values), [3n, 4n]);
});

test('a bad line of folded text is named by its number', () => {
  assert.throws(() => parseFolded('a 1\nb;c\n'), /line 2 .*"b;c"/);
  assert.throws(() => parseFolded('a 99999999999999999999'), /line 1: .*64 bits/);
});

test('selectors come back as they were', () => {
  const text = `${CPU_PROFILE_TYPE}{service_name="api", pod!="a\\"b", zone=~"eu-.*", x!~"\\\\d"}`;
  const selector = parseSelector(text);
  assert.equal(selector.profileType, CPU_PROFILE_TYPE);
  assert.deepEqual(
    selector.matchers.map((m) => [m.name, m.operator, m.value]),
    [
      ['service_name', '=', 'api'],
      ['pod', '!=', 'a"b'],
      ['zone', '=~', 'eu-.*'],
      ['x', '!~', '\\d'],
    ],
  );
  assert.equal(formatSelector(selector), text);
  assert.deepEqual(parseSelector('{}'), { profileType: '', matchers: [] });
});

test('a bad selector shows the place', () => {
  assert.throws(() => parseSelector('cpu{a="b"'), /expected , or } at position 9, found "the end"/);
  assert.throws(() => parseSelector('cpu{a~"b"}'), /expected =, !=, =~ or !~ at position 5/);
  assert.throws(() => parseSelector(''), /expected a profile type or {/);
  assert.throws(() => parseSelector('cpu{} rest'), /expected the end/);
});

test('profile types: five parts, a sixth is dropped', () => {
  const type = parseProfileType(`${CPU_PROFILE_TYPE}:delta`);
  assert.equal(formatProfileType(type), CPU_PROFILE_TYPE);
  assert.throws(() => parseProfileType('cpu'), /not of the form/);
});

test('labels over their limits are refused with the limit', () => {
  checkLabels({ service_name: 'api', 'otel.scope': 'x' });
  assert.throws(() => checkLabels({ '9x': 'y' }), /"9x"/);
  assert.throws(
    () => checkLabels({ a: 'x'.repeat(LABEL_LIMITS.labelValueBytes + 1) }),
    /2049 bytes; at most 2048/,
  );
  assert.throws(() => checkLabels({ a: 'é'.repeat(1025) }), /2050 bytes/);
});
