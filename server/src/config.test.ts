import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OPTIONS, readConfig } from './config.ts';
import { ERROR_STATUS } from './errors.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** Cells of the rows of the README's table that stands below a heading. */
function tableBelow(heading: string): string[][] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '').trim()));
}

test("the README's table of options is the code's", () => {
  const expected = Object.values(OPTIONS).map((option) => {
    const computed = option.name === 'BUNSEN_STORE_MEMORY_BYTES';
    const shown = option.default === '' ? '—' : `\`${option.default}\``;
    return [`\`${option.name}\``, computed ? 'see right' : shown, option.help];
  });
  assert.deepEqual(tableBelow('Options'), expected);
});

test("the README's table of errors is the code's", () => {
  const rows = tableBelow('Errors').map(([code, status]) => [code, status]);
  const expected = Object.entries(ERROR_STATUS).map(([code, status]) => [
    `\`${code}\``,
    `${status}`,
  ]);
  assert.deepEqual(rows, expected);
});

test('defaults hold where nothing, or an empty text, is set', () => {
  const config = readConfig({ BUNSEN_PORT: '', BUNSEN_HOST: '0.0.0.0' });
  assert.equal(config.port, 4040);
  assert.equal(config.host, '0.0.0.0');
  assert.equal(config.ingest.bodyBytes, 32 * 1024 * 1024);
});
