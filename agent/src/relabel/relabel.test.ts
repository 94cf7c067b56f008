import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Labels } from '@bunsen/profile';
import { relabel } from './relabel.ts';
import { parseRules } from './relabel-file.ts';
import { Relabeler } from './relabeler.ts';

const FOO = { a: 'foo', b: 'bar', c: 'baz' };

/** What becomes of labels; undefined: dropped. */
function relabelled(rules: string, labels: Labels = FOO): Labels | undefined {
  const changed = { ...labels };
  return relabel(changed, parseRules(rules)) ? undefined : changed;
}

const cases: [string, string, Labels | undefined, Labels?][] = [
  [
    'replace: joined by ; and matched as a whole',
    '- { source_labels: [a, b], regex: "f(.*);(.*)r", target_label: d, replacement: "ch$1-ch$2" }',
    { ...FOO, d: 'choo-chba' },
  ],
  [
    'replace: no match, no change; anchored at both ends',
    '- { source_labels: [a], regex: fo, target_label: a, replacement: x }',
    FOO,
  ],
  [
    'replace: a label that is not there is empty, and an empty one is gone',
    '- { source_labels: [none], target_label: a }',
    { b: 'bar', c: 'baz' },
  ],
  [
    'replace: the default copies',
    '- { source_labels: [a], target_label: d }',
    { ...FOO, d: 'foo' },
  ],
  ['replace: a constant', '- { target_label: env, replacement: prod }', { ...FOO, env: 'prod' }],
  [
    'replace: the name of the target is made of the match; one that is no name is not set',
    '- { source_labels: [a], regex: "(f)oo", target_label: "x_$1", replacement: "1" }\n' +
      '- { source_labels: [b], target_label: "$1", replacement: "2" }\n' +
      '- { source_labels: [d], target_label: "$1", replacement: "3" }',
    { ...FOO, x_f: '1', bar: '2', d: '-' },
    { ...FOO, d: '-' },
  ],
  [
    'replace: named groups, $$, the longest name, groups that are not there',
    `- { source_labels: [a], regex: "(?P<first>f)(?<rest>o+)", target_label: d, replacement: "\${rest}$first$$-$1x-$9-\${1}x\${none}" }`,
    { ...FOO, d: 'oof$---fx' },
  ],
  [
    'RE2: case by a flag, a dot matches the end of a line, \\z and \\pL are known',
    '- { source_labels: [a], regex: "(?i)FOO.(\\\\pL+)\\\\z", target_label: d }',
    { a: 'foo\nbär', d: 'bär' },
    { a: 'foo\nbär' },
  ],
  ['keep: matched', '- { source_labels: [a], regex: f.*, action: keep }', FOO],
  ['keep: not matched', '- { source_labels: [a], regex: b.*, action: keep }', undefined],
  [
    'drop: matched',
    '- { source_labels: [a, b], separator: "", regex: foobar, action: drop }',
    undefined,
  ],
  ['drop: not matched', '- { source_labels: [a], regex: oo, action: drop }', FOO],
  ['keepequal', '- { source_labels: [a], target_label: b, action: keepequal }', undefined],
  ['dropequal', '- { source_labels: [a], target_label: b, action: dropequal }', FOO],
  [
    "hashmod: the very numbers of Prometheus' own tests",
    '- { source_labels: [c], target_label: d, action: hashmod, modulus: 1000 }',
    { ...FOO, d: '976' },
  ],
  [
    'lowercase, uppercase',
    '- { source_labels: [a, b], separator: "", target_label: d, action: UPPERCASE }\n' +
      '- { source_labels: [d], target_label: e, action: lowercase }',
    { ...FOO, d: 'FOOBAR', e: 'foobar' },
  ],
  [
    'labelmap: copies, all names at once',
    '- { regex: "(a|b)", action: labelmap, replacement: "x_$1" }',
    { ...FOO, x_a: 'foo', x_b: 'bar' },
  ],
  ['labeldrop', '- { regex: "a|c", action: labeldrop }', { b: 'bar' }],
  ['labelkeep', '- { regex: "a|c", action: labelkeep }', { a: 'foo', c: 'baz' }],
  [
    'in order; what is after a drop does not happen',
    '- { source_labels: [a], regex: foo, target_label: a, replacement: changed }\n' +
      '- { source_labels: [a], regex: foo, action: drop }',
    { ...FOO, a: 'changed' },
  ],
  [
    'a regex is text, not a number',
    '- { source_labels: [a], regex: 1.0, action: keep }',
    { a: '1.0' },
    { a: '1.0' },
  ],
];

for (const [name, rules, expected, labels] of cases) {
  test(name, () => assert.deepEqual(relabelled(rules, labels), expected));
}

test('a regex that would take a backtracking engine for ever', () => {
  const rules = '- { source_labels: [a], regex: "(a+)+b", action: drop }';
  assert.deepEqual(relabelled(rules, { a: 'a'.repeat(2000) }), { a: 'a'.repeat(2000) });
});

test('what was worked out is known for two windows, and rules are only run for what is new', () => {
  const [rule] = parseRules('- { source_labels: [a], target_label: b }');
  assert.ok(rule);
  let runs = 0;
  const matcher = rule.regex.matcher.bind(rule.regex);
  rule.regex.matcher = (input) => {
    runs++;
    return matcher(input);
  };
  const relabeler = new Relabeler([rule]);
  for (let window = 0; window < 3; window++) {
    assert.deepEqual(relabeler.apply({ a: '1' }), { labels: { a: '1', b: '1' } });
    relabeler.endWindow();
  }
  assert.equal(runs, 1);
  relabeler.endWindow();
  relabeler.apply({ a: '1' });
  assert.equal(runs, 2);
});

test('JSON, with the list as relabel_configs', () => {
  const json = '{ "relabel_configs": [{ "action": "labelkeep", "regex": "a" }] }';
  assert.deepEqual(relabelled(json), { a: 'foo' });
});

const wrong: [string, RegExp][] = [
  [
    '- { action: dorp }',
    /^relabel_configs\[0\]\.action = "dorp": must be one of replace, keep, drop/,
  ],
  [
    '- { action: keep, sourcelabels: [a] }',
    /\.sourcelabels = \["a"\]: no such field; there are source_labels/,
  ],
  ['- { action: keep, source_labels: a }', /\.source_labels = "a": must be a list of label names/],
  [
    '- { action: labeldrop, regex: a }\n- { action: keep, regex: "a(" }',
    /^relabel_configs\[1\]\.regex = "a\(": is no RE2 expression: .*missing closing \)/,
  ],
  ['- { action: drop, regex: "(?=a)" }', /is no RE2 expression/],
  ['- { action: drop, regex: "(a)\\\\1" }', /is no RE2 expression/],
  ['- { source_labels: [a] }', /^relabel_configs\[0\]\.target_label is missing: replace needs it/],
  ['- { target_label: 9a }', /\.target_label = "9a": must be a label name/],
  ['- { target_label: "a-$1" }', /\.target_label = "a-\$1"/],
  [
    '- { action: hashmod, source_labels: [a], target_label: b, modulus: 0 }',
    /\.modulus = "0": must be a whole number from 1/,
  ],
  [
    '- { action: hashmod, source_labels: [a], target_label: b }',
    /\.modulus is missing: hashmod needs it/,
  ],
  [
    '- { action: labelmap, regex: a, replacement: "a-b" }',
    /\.replacement = "a-b": must make a label name/,
  ],
  [
    '- { action: labeldrop, regex: a, source_labels: [b] }',
    /\.source_labels = \["b"\]: labeldrop takes regex alone/,
  ],
  ['- { action: keep, regex: { a: b } }', /\.regex = \{"a":"b"\}: must be text/],
  ['- keep', /relabel_configs\[0\] = "keep": must be an object/],
  ['rules: []', /has "rules" beside relabel_configs/],
  ['relabel_configs: 3', /must hold a list of rules/],
  ['', /must hold a list of rules/],
  ['- { a', /is no YAML: /],
  ['- { action: keep, action: drop }', /is no YAML: Map keys must be unique/],
];
for (const [text, message] of wrong) {
  test(`refused: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parseRules(text),
      (error: Error) => {
        assert.match(error.message, message);
        return true;
      },
    );
  });
}
