// Set-up as a list of steps, in plain JavaScript: it runs before anything is installed or compiled.
// A step whose inputs are unchanged and whose outputs exist is skipped without a word.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const stampFile = path.join(root, 'deploy/bootstrap/.output/stamps.json');

/** A step could not be done; the message says what to run. */
export class SetupError extends Error {}

/** A signal ended the set-up; what is done stays done. */
export class Interrupted extends Error {}

/**
 * @typedef {object} Step
 * @property {string} name what a person reads
 * @property {string[]} inputs files and folders, relative to the root, whose change calls for the step
 * @property {string[]} outputs files that must exist afterwards
 * @property {string[]} [removes] what is taken away first
 * @property {string[]} [launcher] what runs the command, where that is no input of the step
 * @property {[string, ...string[]]} command
 * @property {string} remedy what to do when it fails
 */

/**
 * Runs the steps that are due, in order, showing what they print.
 * @param {Step[]} steps
 */
export async function runSteps(steps) {
  const stamps = readStamps();
  for (const step of steps) {
    const stamp = fingerprint(step);
    const absent = () => step.outputs.filter((output) => !existsSync(path.join(root, output)));
    if (stamps[step.name] === stamp && absent().length === 0) continue;
    checkWritable(step.name);
    for (const old of step.removes ?? []) {
      rmSync(path.join(root, old), { recursive: true, force: true });
    }
    await runShown(step.name, [...(step.launcher ?? []), ...step.command], step.remedy);
    if (absent().length > 0) {
      throw new SetupError(`${step.name} left no ${absent().join(', ')}. ${step.remedy}`);
    }
    stamps[step.name] = stamp;
    mkdirSync(path.dirname(stampFile), { recursive: true });
    writeFileSync(stampFile, `${JSON.stringify(stamps, null, 2)}\n`);
  }
}

/** Which step was last done with which inputs; a file that was cut short counts as none. */
function readStamps() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return {};
  }
}

function checkWritable(name) {
  try {
    accessSync(root, constants.W_OK);
  } catch (error) {
    throw new SetupError(
      `${name}: this is due, and ${root} may not be written (${error.code}). ` +
        'Run npm run build there as its owner, or clone Bunsen to a folder of your own.',
    );
  }
}

/**
 * Runs a command and shows what it prints. It is a process group of its own: a signal ends it here,
 * in whole, and not in the middle of what must be finished.
 * @param {string} name
 * @param {[string, ...string[]]} command
 * @param {string} remedy
 * @param {{ finish?: boolean }} options `finish`: a signal waits until the command is done
 * @throws SetupError, or Interrupted after a signal
 */
export async function runShown(name, [program, ...args], remedy, { finish = false } = {}) {
  const started = Date.now();
  console.log(`▸ ${name}`);
  const lines = [];
  let signals = 0;
  let onSignal;
  const code = await new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    onSignal = () => {
      if (++signals === 1) console.log(finish ? '\n  Stopping after this step…' : '\n  Stopping…');
      if (!finish && child.pid) killGroup(child.pid);
    };
    for (const signal of SIGNALS) process.on(signal, onSignal);
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
  for (const signal of SIGNALS) process.off(signal, onSignal);
  if (signals > 0) throw new Interrupted(`Interrupted at: ${name}. The next start goes on there.`);
  if (code !== 0) {
    throw new SetupError(
      `${name} failed (${program} ${args.join(' ')}: exit code ${code}).\n${lines.slice(-5).join('\n')}\n${remedy}`,
    );
  }
  console.log(`✓ ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // gone already
  }
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
    .filter(({ name }) => !BUILT.has(name) && !name.endsWith('.tsbuildinfo'))
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
