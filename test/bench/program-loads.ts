// Programs as Debian ships them, and work for them.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unpackedDebian } from '@bunsen/server/testing/debian-package';
import { atEnd, type Cleanup, freePort, root, temporaryFolder, until } from '../harness.ts';
import type { Stack } from '../kernel/sampled.ts';

export interface Load {
  name: string;
  /** Executables, by name or path. */
  needs: string[];
  /** Brings it up, and makes what it needs. @returns why that cannot be had, where it is fetched */
  prepare(t: Cleanup, seconds: number): Promise<Work> | Work | { missing: string };
}

export interface Work {
  /** Whether a stack is the program's own. */
  is(stack: Stack): boolean;
  run(): Promise<unknown>;
}

const POSTGRES = folderOfPostgres();
const GO_PROGRAM = path.join(root, 'node_modules/@typescript/typescript-linux-x64/lib/tsc');
const JAVA = path.join(root, 'test/programs/Burn.java');

const PYTHON = `import re, json
while True: json.loads(json.dumps([re.sub("a+", "b", "caat" * 9)] * 50))`;
const JS = 'for (;;) JSON.parse(JSON.stringify([1, 2, { a: [3] }].concat("abc".split(""))))';
const RUST = `use std::collections::HashMap;
fn main() { loop {
  let mut seen: HashMap<String, Vec<u64>> = HashMap::new();
  for i in 0..2000u64 { seen.entry(format!("key{}", i % 97)).or_default().push(i * i % 977); }
  for values in seen.values_mut() { values.sort(); }
} }`;

export const LOADS: Load[] = [
  {
    name: 'nginx',
    needs: ['nginx', 'wrk'],
    async prepare(t, seconds) {
      const folder = temporaryFolder(t);
      const port = await freePort();
      writeFileSync(path.join(folder, 'index.html'), 'x'.repeat(4096));
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
        .join(' ');
      writeFileSync(
        path.join(folder, 'nginx.conf'),
        `user root; daemon off; pid ${folder}/pid; error_log ${folder}/error.log; events {}
        http { ${temporary} access_log off; gzip on; gzip_min_length 1; gzip_types *;
        server { listen 127.0.0.1:${port}; root ${folder}; } }`,
      );
      start(t, 'nginx', ['-c', `${folder}/nginx.conf`]);
      const url = `http://127.0.0.1:${port}/index.html`;
      await until('nginx', () =>
        fetch(url).then(
          () => true,
          () => false,
        ),
      );
      const wrk = ['-t1', '-c16', `-d${seconds}s`, '-H', 'Accept-Encoding: gzip', url];
      return { is: ({ exe }) => exe.endsWith('/nginx'), run: () => ended(start(t, 'wrk', wrk)) };
    },
  },
  {
    name: 'postgres',
    needs: [path.join(POSTGRES, 'postgres'), path.join(POSTGRES, 'pgbench'), 'setpriv'],
    async prepare(t, seconds) {
      const folder = temporaryFolder(t);
      chmodSync(folder, 0o777);
      const port = String(await freePort());
      const as = ['--reuid=postgres', '--regid=postgres', '--clear-groups'];
      const tool = (name: string, ...args: string[]) => [...as, path.join(POSTGRES, name), ...args];
      const data = path.join(folder, 'data');
      execFileSync('setpriv', tool('initdb', '-D', data, '-A', 'trust', '--no-sync'));
      const options = ['-D', data, '-k', folder, '-p', port, '-h', '', '-F'];
      start(t, 'setpriv', tool('postgres', ...options));
      await until('postgres', () => existsSync(path.join(folder, `.s.PGSQL.${port}`)));
      await sleep(1000);
      const bench = ['-h', folder, '-p', port, 'postgres'];
      execFileSync('setpriv', tool('pgbench', '-q', '-i', '-s', '2', ...bench), {
        stdio: 'ignore',
      });
      const args = tool('pgbench', '-c', '2', '-T', String(seconds), ...bench);
      return {
        is: ({ exe }) => exe.endsWith('/postgres'),
        run: () => ended(start(t, 'setpriv', args)),
      };
    },
  },
  {
    name: 'redis',
    needs: ['redis-server', 'redis-benchmark'],
    async prepare(t, seconds) {
      const port = String(await freePort());
      start(t, 'redis-server', ['--port', port, '--save', '']);
      await sleep(500);
      const bench = ['redis-benchmark', '-q', '-l', '-p', port, '-t', 'set,get,lpush,lrange_100'];
      return {
        is: ({ exe }) => /redis-(server|check-rdb)$/.test(exe),
        run: () => ended(start(t, 'timeout', [String(seconds), ...bench])),
      };
    },
  },
  single('python3', '/usr/bin/python3', ['-c', PYTHON]),
  {
    name: 'python3_debug',
    needs: ['apt-get', 'dpkg-deb'],
    prepare(t, seconds) {
      const python = pythonWithDebugFile();
      if ('missing' in python) return python;
      return single('python3_debug', python.path, ['-c', PYTHON]).prepare(t, seconds);
    },
  },
  single('node', process.execPath, ['-e', JS]),
  {
    name: 'gcc',
    needs: ['gcc'],
    prepare(t, seconds) {
      const folder = temporaryFolder(t);
      const big = path.join(folder, 'big.c');
      const functions = Array.from(
        { length: 3000 },
        (_, i) =>
          `int f${i}(int *a, int n) { int s = 0; while (n--) s += a[n] % ${i + 2}; return s; }`,
      );
      writeFileSync(big, functions.join('\n'));
      const loop = `while :; do gcc -O2 -c ${big} -o ${folder}/big.o; done`;
      return {
        is: ({ exe }) => /\/(cc1|as|[\w-]*gcc[\w.-]*)$/.test(exe),
        run: () => ended(start(t, 'timeout', [String(seconds), 'sh', '-c', loop])),
      };
    },
  },
  {
    name: 'rust',
    needs: ['rustc'],
    prepare(t, seconds) {
      const folder = temporaryFolder(t);
      writeFileSync(path.join(folder, 'burn.rs'), RUST);
      execFileSync('rustc', ['-O', '-o', `${folder}/rust`, `${folder}/burn.rs`]);
      return single('rust', `${folder}/rust`, []).prepare(t, seconds);
    },
  },
  {
    name: 'go',
    needs: [GO_PROGRAM],
    prepare(t, seconds) {
      const loop = `while :; do ${GO_PROGRAM} --noEmit -p ${root}/server/tsconfig.json; done`;
      return {
        is: ({ exe }) => exe === GO_PROGRAM,
        run: () => ended(start(t, 'timeout', [String(seconds), 'sh', '-c', loop])),
      };
    },
  },
  {
    name: 'java',
    needs: ['java', 'javac', 'jcmd'],
    async prepare(t, seconds) {
      const folder = temporaryFolder(t);
      execFileSync('javac', ['-d', folder, JAVA]);
      const child = start(t, 'java', ['-XX:+PreserveFramePointer', '-cp', folder, 'Burn']);
      // The JVM lists what it has compiled when it is asked to: most of it, after these seconds.
      await sleep(5000);
      execFileSync('jcmd', [String(child.pid), 'Compiler.perfmap'], { stdio: 'ignore' });
      return { is: ({ pid }) => pid === child.pid, run: () => sleep(seconds * 1000) };
    },
  },
];

/** A program that works until it is ended, in one process. */
function single(name: string, file: string, args: string[]): Load {
  return {
    name,
    needs: [file],
    prepare(t, seconds) {
      let own: number | undefined;
      return {
        is: ({ pid }) => pid === own,
        async run() {
          own = start(t, file, args).pid;
          await sleep(seconds * 1000);
        },
      };
    },
  };
}

function start(t: Cleanup, file: string, args: string[]): ChildProcess {
  const child = spawn(file, args, { stdio: 'ignore', cwd: temporaryFolder(t) });
  atEnd(t, async () => {
    const gone = ended(child);
    child.kill('SIGTERM');
    await gone;
  });
  return child;
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', () => resolve());
  });
}

/** Debian's python3, not installed, with the files of its debug package beside what they belong to. */
function pythonWithDebugFile(): { path: string } | { missing: string } {
  const name = 'python3.11';
  const unpacked = unpackedDebian(`${name}-debug`, () => [
    `${name}-minimal`,
    `lib${name}-minimal`,
    `lib${name}-stdlib`,
    `${name}-dbg`,
  ]);
  if ('missing' in unpacked) return unpacked;
  const modules = path.join(unpacked.root, `usr/lib/${name}/lib-dynload`);
  const program = path.join(unpacked.root, 'usr/bin', name);
  const libraries = readdirSync(modules).filter((file) => file.endsWith('.so'));
  for (const file of [program, ...libraries.map((library) => path.join(modules, library))]) {
    const notes = execFileSync('readelf', ['-n', file], { encoding: 'utf8' });
    const buildId = /Build ID: (\w+)/.exec(notes)?.[1] ?? '';
    const debug = `${buildId.slice(2)}.debug`; // as .gnu_debuglink calls it
    const packaged = path.join(
      unpacked.root,
      'usr/lib/debug/.build-id',
      buildId.slice(0, 2),
      debug,
    );
    if (!existsSync(packaged)) {
      if (file === program) return { missing: `${name}-dbg has no debug file of ${name}` };
      continue;
    }
    const beside = path.join(path.dirname(file), '.debug');
    mkdirSync(beside, { recursive: true });
    copyFileSync(packaged, path.join(beside, debug));
  }
  return { path: program };
}

function folderOfPostgres(): string {
  const all = '/usr/lib/postgresql';
  const newest = existsSync(all) ? readdirSync(all).sort().at(-1) : undefined;
  return path.join(all, newest ?? '', 'bin');
}
