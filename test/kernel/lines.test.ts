import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { API, CPU_PROFILE_TYPE } from '@bunsen/profile';
import { Profile } from 'pprof-format';
import { compile, flamegraph, needsRoot, startAgent, startServer, totalOf } from '../harness.ts';
import { type Stack, sampled } from './sampled.ts';

const run = promisify(execFile);

/** Every chain of `FUNCTION FILE:LINE` that addr2line gives for an instruction of `outer`. */
function chainsOfOuter(program: string): Set<string> {
  const code = execFileSync('objdump', ['-d', '--disassemble=outer', program], {
    encoding: 'utf8',
  });
  const addresses = [...code.matchAll(/^ +([0-9a-f]+):\t/gm)].map((match) => `0x${match[1]}`);
  const args = ['-a', '-i', '-f', '-e', program, ...addresses];
  const lines = execFileSync('addr2line', args, { encoding: 'utf8' });
  return new Set(
    lines
      .split(/^0x[0-9a-f]+\n/m)
      .map((answer) =>
        [...answer.matchAll(/^(\S+)\n(\S+:\d+).*\n/gm)]
          .map(([, name, source]) => `${name} ${source}`)
          .join(' < '),
      ),
  );
}

/** Samples by the frames up to `outer`, innermost first. */
function samplesIn(stacks: Stack[], comm: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const { count, frames } of stacks.filter((stack) => stack.comm === comm)) {
    const user = frames.filter(({ file }) => !file.startsWith('['));
    const end = user.findIndex(({ name }) => name === 'outer');
    if (end < 0) continue;
    const chain = user.slice(0, end + 1).map(({ name, source }) => `${name} ${source}`.trim());
    const key = chain.join(' < ');
    samples.set(key, (samples.get(key) ?? 0) + count);
  }
  return samples;
}

for (const place of ['in the program', 'in a compressed debug file']) {
  test(`inlined functions and lines, ${place}`, { skip: needsRoot }, async (t) => {
    const program = compile(t, 'inlined', ['-O2', '-g']);
    const chains = chainsOfOuter(program);
    if (place !== 'in the program') {
      const folder = path.dirname(program);
      const debug = path.join(folder, 'inlined.debug');
      execFileSync('objcopy', ['--only-keep-debug', '--compress-debug-sections', program, debug]);
      execFileSync('strip', ['-o', `${program}.stripped`, program]);
      execFileSync('objcopy', [`--add-gnu-debuglink=${debug}`, `${program}.stripped`]);
      renameSync(`${program}.stripped`, program);
    }
    const { stacks, counters } = await sampled(() => run(program, ['4']));
    const samples = samplesIn(stacks, 'inlined');
    let [all, plain, right, inlined] = [0, 0, 0, 0];
    for (const [chain, count] of samples) {
      all += count;
      if (chain === 'outer') plain += count;
      else if (chains.has(chain)) {
        right += count;
        if (chain.startsWith('mix ')) inlined += count;
      } else t.diagnostic(`${count} × ${chain}, which addr2line never says`);
    }
    t.diagnostic(
      `${all} samples: ${right} as addr2line says (${inlined} of them in mix), ${plain} before it was read`,
    );
    assert.ok(all > 300, `only ${all} samples in outer`);
    assert.equal(right + plain, all);
    assert.ok(inlined / right > 0.5, 'most of the time is spent in mix');
    // The lines come with the second drain or the third.
    assert.ok(plain / all < 0.6, 'the lines came too late');
    assert.equal(counters['lines_files_failed'], 0);
    assert.ok((counters['frames_named_without_lines'] ?? 0) >= plain);
  });
}

test('inlined functions and lines reach the server, and come back as pprof', {
  skip: needsRoot,
}, async (t) => {
  const program = compile(t, 'inlined', ['-O2', '-g']);
  const chains = chainsOfOuter(program);
  const { url } = await startServer(t);
  const agent = await startAgent(t, url);
  await run(program, ['8']);
  assert.equal(await agent.stop(), 0, agent.output);

  const selector = '{service_name="inlined"}';
  const flame = await flamegraph(url, selector);
  const share = totalOf(flame, (name) => name === 'mix') / (flame.tree.total[0] as number);
  t.diagnostic(`mix has ${(100 * share).toFixed(1)} %`);
  // It has 80 %, once its lines are read; on a busy host that takes seconds of these eight.
  assert.ok(share > 0.25 && share < 1);

  const query = new URLSearchParams({
    query: `${CPU_PROFILE_TYPE}${selector}`,
    from: 'now-6h',
    until: String(Date.now() + 60_000),
  });
  const response = await fetch(`${url}${API.pprof}?${query}`);
  assert.equal(response.status, 200);
  const profile = Profile.decode(gunzipSync(Buffer.from(await response.arrayBuffer())));
  const text = (index: unknown) => profile.stringTable.strings[Number(index)] as string;
  const frameOf = (id: unknown) => {
    const line = profile.location.find((location) => location.id === id)?.line[0];
    const fn = profile.function.find((each) => each.id === line?.functionId);
    return `${text(fn?.name)} ${text(fn?.filename)}:${line?.line}`;
  };
  const stacks = profile.sample.map(({ locationId }) => locationId.map(frameOf));
  const inMix = stacks.filter((frames) => frames[0]?.startsWith('mix /'));
  assert.ok(inMix.length > 0);
  for (const frames of inMix) {
    const chain = frames.slice(0, frames.findIndex((frame) => frame.startsWith('outer ')) + 1);
    assert.ok(chains.has(chain.join(' < ')), chain.join(' < '));
  }
});
