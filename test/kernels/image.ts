// The root file system of the guests: an archive that the kernel unpacks into memory, so that no
// driver of a disk is needed.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { type Cleanup, compile, root, temporaryFolder } from '../harness.ts';

/** What reaches the server. Where one is no module, it is built in. */
const DRIVERS = ['virtio_pci', 'virtio_net'];

/** What work.sh runs, and the compiler's flags. Names that no other program of a host has. */
const PROGRAMS: Record<string, string[]> = {
  'matrix-burn': ['-DITERATIONS=1000'],
  'matrix-bare': ['-DITERATIONS=1000', '-O2', '-fomit-frame-pointer', '-fno-inline'],
  'matrix-short': ['-DITERATIONS=1000'],
};

/** Compiles the programs. Returns their folder. */
export function buildPrograms(t: Cleanup): string {
  const folder = temporaryFolder(t);
  for (const [name, flags] of Object.entries(PROGRAMS)) {
    copyFileSync(compile(t, 'burn', flags), path.join(folder, name));
  }
  return folder;
}

/** Packs what all guests have: Node, the agent as it was built, the programs. Returns the archive. */
export function packUserSpace(t: Cleanup, folder: string): string {
  const stage = newStage(folder);
  for (const at of ['dev', 'proc', 'sys', 'tmp', 'bin', 'modules']) {
    mkdirSync(path.join(stage, at));
  }
  put(stage, '/bin/busybox', '/bin/busybox');
  put(stage, path.join(root, 'test/kernels/init.sh'), '/init');
  put(stage, path.join(root, 'test/kernels/work.sh'), '/bunsen/work.sh');
  putProgram(stage, process.execPath, '/bin/node');
  const programs = buildPrograms(t);
  for (const name of readdirSync(programs)) {
    putProgram(stage, path.join(programs, name), `/bin/${name}`);
  }
  for (const file of ['agent/addon/.output/bunsen.node', 'agent/addon/.output/bunsen-lines']) {
    putProgram(stage, path.join(root, file), `/bunsen/${file}`);
  }
  for (const at of [
    'agent/bunsen-agent',
    'agent/dist',
    'agent/package.json',
    'bpf/.output/cpu.bpf.o',
  ]) {
    put(stage, path.join(root, at), `/bunsen/${at}`);
  }
  for (const name of packagesOf(path.join(root, 'agent'))) {
    put(stage, path.join(root, 'node_modules', name), `/bunsen/node_modules/${name}`);
  }
  const archive = path.join(folder, 'user-space.cpio');
  writeFileSync(archive, pack(stage));
  return archive;
}

/** Adds the modules of one kernel to it. Returns the archive for that kernel. */
export function packKernel(userSpace: string, modules: string, folder: string): string {
  const stage = newStage(folder);
  mkdirSync(path.join(stage, 'modules'));
  const files = readdirSync(modules, { recursive: true, encoding: 'utf8' });
  const placed = new Set<string>();
  /** Those that it depends on first, as they are loaded in the order of their names. */
  const place = (name: string) => {
    const file = files.find((each) => new RegExp(`(^|/)${name}\\.ko(\\.xz)?$`).test(each));
    if (!file || placed.has(name)) return;
    const from = path.join(modules, file);
    const code = file.endsWith('.xz')
      ? execFileSync('xz', ['-dc', from], { maxBuffer: 64 << 20 })
      : readFileSync(from);
    const [, depends = ''] = /\0depends=([^\0]*)\0/.exec(code.toString('latin1')) ?? [];
    for (const other of depends.split(',')) place(other);
    placed.add(name);
    writeFileSync(path.join(stage, 'modules', `${placed.size + 10}-${name}.ko`), code);
  };
  for (const name of DRIVERS) place(name);
  const archive = path.join(folder, 'initramfs.cpio');
  copyFileSync(userSpace, archive);
  appendFileSync(archive, pack(stage));
  return archive;
}

function newStage(folder: string): string {
  const stage = path.join(folder, 'stage');
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  return stage;
}

function put(stage: string, from: string, to: string): void {
  const target = path.join(stage, to);
  mkdirSync(path.dirname(target), { recursive: true });
  cpSync(from, target, { recursive: true, dereference: true });
}

/** A program or library with all that it is linked against. */
function putProgram(stage: string, file: string, to: string): void {
  put(stage, file, to);
  for (const [, library] of execFileSync('ldd', [file], { encoding: 'utf8' }).matchAll(
    /^\s(?:\S+ => )?(\/\S+) \(/gm,
  )) {
    if (!existsSync(path.join(stage, library as string))) {
      put(stage, library as string, library as string);
    }
  }
}

/** Names of the packages that it needs at run time. */
function packagesOf(folder: string, found = new Set<string>()): Set<string> {
  const { dependencies = {} } = JSON.parse(
    readFileSync(path.join(folder, 'package.json'), 'utf8'),
  ) as { dependencies?: Record<string, string> };
  for (const name of Object.keys(dependencies)) {
    if (found.has(name)) continue;
    found.add(name);
    packagesOf(path.join(root, 'node_modules', name), found);
  }
  return found;
}

/** The folder as an archive of the kind that the kernel unpacks; everything in it is root's. */
function pack(stage: string): Buffer {
  const names = execFileSync('find', ['.', '-mindepth', '1', '-print0'], { cwd: stage });
  const archive = execFileSync('cpio', ['--quiet', '-0', '-o', '-H', 'newc', '--owner=+0:+0'], {
    cwd: stage,
    input: names,
    maxBuffer: 1 << 30,
  });
  rmSync(stage, { recursive: true });
  return archive;
}
