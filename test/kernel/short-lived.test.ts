import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { compile, needsRoot } from '../harness.ts';
import { sampled } from './sampled.ts';

// Fifty processes a second, each of which lives for 20 to 50 ms; the drains are half a second apart.
const CHURN = 'for i in $(seq 100); do "$1" 0.02 & "$2" 0.05 & sleep 0.04; done; wait';

test('processes that are gone before a drain have their names', { skip: needsRoot }, async (t) => {
  // Two programs of one name, whose functions have other names.
  const programs = new Map([
    [compile(t, 'burn'), /^burn_(seventy|thirty)$/],
    [compile(t, 'burn', ['-Dburn_seventy=other_a', '-Dburn_thirty=other_b']), /^other_[ab]$/],
  ]);
  const command = ['-c', CHURN, 'sh', ...programs.keys()];
  const { stacks, counters } = await sampled(() => promisify(execFile)('sh', command));
  let all = 0;
  let attributed = 0;
  let inFunctions = 0;
  const pids = new Set<number>();
  const missed = new Map<string, number>();
  for (const { pid, exe, comm, count, frames } of stacks) {
    if (comm !== 'burn') continue;
    all += count;
    pids.add(pid);
    const own = programs.get(exe);
    // Callers further out may be wrong: there are no tables yet, and ld.so keeps no frame pointers.
    const innermost = frames.find(({ file }) => !file.startsWith('[kernel'));
    const named = !/^\[(process exited|unknown)\]$/.test(innermost?.name ?? '');
    if (own && named) attributed += count;
    else {
      const key = `${path.basename(exe) || '-'}: ${frames.map(({ name }) => name).join(' < ')}`;
      missed.set(key, (missed.get(key) ?? 0) + count);
    }
    for (const [program, functions] of programs) {
      if (!frames.some(({ name }) => functions.test(name))) continue;
      assert.equal(exe, program);
      inFunctions += count;
    }
  }
  t.diagnostic(`${attributed} of ${all} samples of ${pids.size} processes`);
  t.diagnostic(`${counters['processes_recorded']} processes known by records alone`);
  for (const [what, count] of [...missed].sort((a, b) => b[1] - a[1]).slice(0, 5))
    t.diagnostic(`missed ${count} × ${what}`);
  assert.ok(all >= 200, `only ${all} samples`);
  assert.ok(pids.size >= 50, `only of ${pids.size} processes`);
  assert.ok(attributed / all >= 0.95);
  assert.ok(inFunctions / all >= 0.5);
  assert.ok((counters['processes_recorded'] ?? 0) >= 50);
});
