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

test('what cannot be kept, or stored where it is to be, is refused by name', () => {
  const refusal = (env: Record<string, string>) => {
    try {
      readConfig(env);
    } catch (error) {
      return (error as Error).message;
    }
    return 'accepted';
  };
  assert.match(
    refusal({ BUNSEN_RETENTION_RAW_DAYS: '91' }),
    /BUNSEN_RETENTION_RAW_DAYS=91 must not be more than BUNSEN_RETENTION_HOURLY_DAYS=90/,
  );
  assert.match(
    refusal({ BUNSEN_RETENTION_DAILY_DAYS: '30' }),
    /BUNSEN_RETENTION_HOURLY_DAYS=90 must not be more than BUNSEN_RETENTION_DAILY_DAYS=30/,
  );
  assert.match(
    refusal({ BUNSEN_RETENTION_RAW_DAYS: '7' }),
    /BUNSEN_RETENTION_RAW_DAYS=7 must be a day more than BUNSEN_MAX_AGE_MS=604800000 .* 8 or more/,
  );
  assert.equal(refusal({ BUNSEN_RETENTION_RAW_DAYS: '8' }), 'accepted');
  assert.match(refusal({ BUNSEN_RETENTION_RAW_DAYS: '0' }), /BUNSEN_RETENTION_RAW_DAYS=0/);
  assert.match(
    refusal({ BUNSEN_CLICKHOUSE_CLUSTER: 'fleet' }),
    /BUNSEN_CLICKHOUSE_CLUSTER=fleet needs CLICKHOUSE_URL/,
  );
  assert.match(
    refusal({ BUNSEN_CLICKHOUSE_QUORUM: '2' }),
    /BUNSEN_CLICKHOUSE_QUORUM=2 needs BUNSEN_CLICKHOUSE_CLUSTER/,
  );
  for (const origin of ['grafana.example', 'https://grafana.example/', 'https://a b']) {
    assert.match(
      refusal({ BUNSEN_CORS_ORIGINS: origin }),
      /BUNSEN_CORS_ORIGINS: .* must look like/,
    );
  }
  const origins = readConfig({ BUNSEN_CORS_ORIGINS: 'https://a.example:3000, http://b' });
  assert.deepEqual(origins.corsOrigins, ['https://a.example:3000', 'http://b']);
});
