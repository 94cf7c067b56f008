import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonInTurns } from './json-in-turns.ts';

test('JSON in turns is the JSON of JSON.stringify', async () => {
  const values: unknown[] = [
    null,
    1.5,
    'ä"\n',
    [],
    {},
    [[], {}, [[]], null],
    { unit: 'ns', gone: undefined, series: [{ labels: { 'a"b': 'é' }, values: [1, null, 2e300] }] },
    { data: { result: [{ metric: {}, values: [[1.5, '2']] }, { deep: { deeper: [1, [2]] } }] } },
    Array.from({ length: 300 }, (_, i) => ({ [`name ${i}`]: 'x'.repeat(i * 10) })),
  ];
  for (const value of values) {
    assert.equal((await jsonInTurns(value)).toString(), JSON.stringify(value));
  }
});

test('a list is made while it is written', async () => {
  function* numbers() {
    for (let i = 0; i < 3; i++) yield { i };
  }
  assert.equal(`${await jsonInTurns({ list: numbers() })}`, '{"list":[{"i":0},{"i":1},{"i":2}]}');
});
