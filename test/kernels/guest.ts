// One virtual machine: boots a kernel, runs init.sh in it, and ends with it.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import path from 'node:path';

export interface GuestOptions {
  image: string;
  initramfs: string;
  /** Environment of init.sh. */
  env: Record<string, string>;
  /** Gets `console.log`, what the kernel said, and `guest.log`, what programs said. */
  folder: string;
  limitMs: number;
  /** Is told of each step. */
  progress: (step: string) => void;
}

export interface GuestRun {
  /** What agent and programs printed. */
  output: string;
  /** The lines of init.sh, without their mark. */
  steps: string[];
  seconds: number;
}

/**
 * QEMU's own translation of code, no KVM: so it runs on any machine, also on one that is virtual
 * itself. An instruction takes four nanoseconds of the guest's time, however busy this machine is:
 * shares of time are right, and whoever waits in the guest waits long enough. That needs a single
 * CPU; the host's own kernel is tried with all of its CPUs.
 */
const MACHINE = [
  ...['-accel', 'tcg,thread=single', '-icount', 'shift=2,sleep=on'],
  ...['-cpu', 'max', '-smp', '1', '-m', '1536'],
];
/** A panic ends the machine, rather than hang it. */
const KERNEL = 'console=ttyS0 quiet loglevel=4 oops=panic panic=-1';

export async function runGuest(options: GuestOptions): Promise<GuestRun> {
  const { image, initramfs, env, folder, limitMs, progress } = options;
  const startMs = Date.now();
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const qemu = spawn(
    'qemu-system-x86_64',
    [
      ...MACHINE,
      ...['-display', 'none', '-monitor', 'none', '-no-reboot'],
      ...['-serial', `file:${path.join(folder, 'console.log')}`, '-serial', 'stdio'],
      ...['-nic', 'user,model=virtio-net-pci'],
      ...['-kernel', image, '-initrd', initramfs, '-append', [KERNEL, ...variables].join(' ')],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const log = createWriteStream(path.join(folder, 'guest.log'));
  let output = '';
  let rest = '';
  const steps: string[] = [];
  const collect = (chunk: Buffer) => {
    log.write(chunk);
    const lines = (rest + chunk.toString()).split(/\r?\n/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const step = /^@@ (.*)$/.exec(line)?.[1];
      if (step) {
        steps.push(step);
        progress(step);
      } else {
        output += `${line}\n`;
      }
    }
  };
  qemu.stdout.on('data', collect);
  qemu.stderr.on('data', collect);
  const limit = setTimeout(() => {
    progress(`not done after ${limitMs / 1000} s: ending it`);
    qemu.kill('SIGKILL');
  }, limitMs);
  const end = () => qemu.kill('SIGKILL');
  process.once('exit', end);
  await new Promise<void>((resolve, reject) => {
    qemu.on('error', reject);
    qemu.on('close', () => resolve());
  });
  process.off('exit', end);
  clearTimeout(limit);
  log.end();
  return {
    output: output + rest,
    steps,
    seconds: (Date.now() - startMs) / 1000,
  };
}
