// Where the stacks of real programs end, and which programs there are.
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import type { Frame } from './sampled.ts';

/** Where threads and processes begin, Go's and their goroutines' among them. */
const STARTS =
  /^(_start|_dl_start_user|__clone3?|clone3?|ret_from_fork_asm|_rt0_amd64_linux|runtime\.(rt0_go|goexit|mstart|morestack|mcall|systemstack)(\.abi0)?)$/;

/** Whether code at the address starts a process (the file's entry point) or a thread (it exits next). */
export function isStart({ name, file, address }: Frame): boolean {
  if (STARTS.test(name)) return true;
  if (!existsSync(file)) return false;
  const fd = openSync(file, 'r');
  const header = Buffer.alloc(64);
  const code = Buffer.alloc(24);
  readSync(fd, header, 0, header.length, 0);
  readSync(fd, code, 0, code.length, address); // in libc code stands where its address says
  closeSync(fd);
  const entry = Number(header.readBigUInt64LE(24));
  const exitCall = Buffer.from('b83c0000000f05', 'hex'); // mov $SYS_exit, %eax; syscall
  return (address >= entry && address < entry + 64) || code.includes(exitCall);
}

/** @param program its path, or its name */
export function isInstalled(program: string): boolean {
  if (program.includes('/')) return existsSync(program);
  const folders = (process.env['PATH'] ?? '').split(':');
  return folders.some((folder) => existsSync(path.join(folder, program)));
}
