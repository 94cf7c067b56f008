import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toLabelName, toLabels } from './label.ts';

test('names are stored with what names may have; those that become the same are joined', () => {
  for (const [sent, stored] of [
    ['http-path', 'http_path'],
    ['app.kubernetes.io/name', 'app.kubernetes.io_name'],
    ['1st', '_1st'],
    ['.a', '_.a'],
    ['läbel x', 'l_bel_x'],
    ['__x__', '__x__'],
  ] as const) {
    assert.equal(toLabelName(sent), stored);
  }
  const sent = { 'b/c': '2', 'b-c': '1', b_c: '', d: 'x', e: '' };
  assert.deepEqual(toLabels(Object.entries(sent)), { b_c: '1;2', d: 'x' });
  const long = 'ä'.repeat(2000);
  assert.deepEqual(toLabels([[long, 'x']]), { [long]: 'x' });
});
