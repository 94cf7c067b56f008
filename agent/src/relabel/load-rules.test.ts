import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { loadRules } from './load-rules.ts';

test('rules come from a file; errors name the file, the rule, the field and the value', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bunsen-rules-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const load = (rules: string, variables: string[] = []) => {
    const file = path.join(folder, 'rules.yaml');
    writeFileSync(file, rules);
    return loadRules(file, variables);
  };
  assert.deepEqual(await loadRules(undefined, []), []);
  assert.equal((await load('- { action: labeldrop, regex: a }'))[0]?.action, 'labeldrop');
  await assert.rejects(
    load('- { action: dorp }'),
    /BUNSEN_RELABEL_FILE=".*rules.yaml": relabel_configs\[0\]\.action = "dorp": must be one of/,
  );
  const keep = (label: string) => `- { action: keep, source_labels: [${label}] }`;
  await assert.rejects(
    load(keep('__meta_process_exe')),
    /relabel_configs\[0\] keep: source_labels: __meta_process_exe is no meta label of the agent/,
  );
  await assert.rejects(load(keep('__meta_env_var_A')), /is not read: add it to BUNSEN_ENV_LABELS/);
  assert.equal((await load(keep('__meta_env_var_A'), ['A'])).length, 1);
  assert.equal((await load(keep('__meta_kubernetes_pod_label_app'))).length, 1);
  await assert.rejects(
    loadRules(path.join(folder, 'none'), []),
    /BUNSEN_RELABEL_FILE=".*none": ENOENT/,
  );
});
