// Set-up as a list of steps, in plain JavaScript: it runs before anything is installed or compiled.
// A step whose inputs are unchanged and whose outputs exist is skipped without a word.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const stampFile = path.join(root, 'deploy/bootstrap/.output/stamps.json');

/** A step could not be done; the message says what to run. */
export class SetupError extends Error {}

/**
 * @typedef {object} Step
 * @property {string} name what a person reads
 * @property {string[]} inputs files and folders, relative to the root, whose change calls for the step
 * @property {string[]} outputs files that must exist afterwards
 * @property {[string, ...string[]]} command
 * @property {string} remedy what to do when it fails
 */

/**
 * Runs the steps that are due, in order, showing what they print.
 * @param {Step[]} steps
 */
export async function runSteps(steps) {
  const stamps = existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, 'utf8')) : {};
  for (const step of steps) {
    const stamp = fingerprint(step);
    const done = step.outputs.every((output) => existsSync(path.join(root, output)));
    if (done && stamps[step.name] === stamp) continue;
    await runShown(step.name, step.command, step.remedy);
    stamps[step.name] = stamp;
    mkdirSync(path.dirname(stampFile), { recursive: true });
    writeFileSync(stampFile, `${JSON.stringify(stamps, null, 2)}\n`);
  }
}

/** @param {string} name @param {[string, ...string[]]} command @param {string} remedy */
export async function runShown(name, [program, ...args], remedy) {
  const started = Date.now();
  console.log(`▸ ${name}`);
  const lines = [];
  const code = await new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream.setEncoding('utf8').on('data', (chunk) => {
        const parts = (rest + chunk).split(/\r?\n/);
        rest = parts.pop() ?? '';
        for (const line of parts) {
          lines.push(line);
          if (line.trim() !== '') console.log(`    ${line}`);
        }
      });
    }
    child.on('error', (error) => {
      lines.push(String(error));
      resolve(127);
    });
    child.on('close', resolve);
  });
  if (code !== 0) {
    throw new SetupError(
      `${name} failed (${program} ${args.join(' ')}: exit code ${code}).\n${lines.slice(-5).join('\n')}\n${remedy}`,
    );
  }
  console.log(`✓ ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

/** Changes when the command or any input file's size or modification time changes. */
function fingerprint(step) {
  const hash = createHash('sha256').update(JSON.stringify([step.command, process.version]));
  for (const input of step.inputs) {
    for (const file of filesBelow(path.join(root, input))) {
      const { size, mtimeMs } = statSync(file);
      hash.update(`${file}\0${size}\0${mtimeMs}\0`);
    }
  }
  return hash.digest('hex');
}

const BUILT = new Set(['node_modules', 'dist', '.output', 'output']);

/** @param {string} at a file or folder; what is built is left out */
export function filesBelow(at) {
  if (!existsSync(at)) return [];
  if (statSync(at).isFile()) return [at];
  return readdirSync(at, { withFileTypes: true })
    .filter((entry) => !BUILT.has(entry.name))
    .flatMap((entry) => filesBelow(path.join(at, entry.name)))
    .sort();
}

/** Whether a command runs and exits 0. */
export function succeeds(program, ...args) {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
