import { isPerfScript } from '@bunsen/profile';
import { type CpuProfile, readCpuProfile } from './cpuprofile.ts';
import { fail, type ReadFile } from './file-profile.ts';
import { readFolded } from './folded.ts';
import { readPerfScript } from './perf-script.ts';
import { readPprof } from './pprof.ts';
import { readSpeedscope, SPEEDSCOPE_SCHEMA, type SpeedscopeFile } from './speedscope.ts';

/** A larger one would not fit into a tab with what becomes of it. */
const MOST_BYTES = 1 << 29;
/** How much of a file tells text from a pprof, which has small numbers from its first bytes on. */
const HEAD_BYTES = 1024;

/**
 * Reads a profile whose format only its bytes tell, gzipped or not.
 * @throws FileError or ProfileError that says what is wrong and where, or that it has no samples
 */
export async function readProfileFile(file: Uint8Array<ArrayBuffer>): Promise<ReadFile> {
  const bytes = await unpacked(file);
  if (bytes.length === 0) fail('it is empty');
  const read = isText(bytes) ? readText(decodeText(bytes)) : readPprof(bytes);
  const profiles = read.profiles.filter(({ values }) => values.some((value) => value !== 0));
  if (profiles.length === 0) fail('it has no samples');
  return { ...read, profiles };
}

/** A pprof as the server sends it, which may have no samples. */
export async function readServerPprof(file: Uint8Array<ArrayBuffer>): Promise<ReadFile> {
  return readPprof(await unpacked(file));
}

async function unpacked(file: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return isGzip(file) ? gunzip(file) : file;
}

function readText(text: string): ReadFile {
  if (!/^\s*[{[]/.test(text)) return isPerfScript(text) ? readPerfScript(text) : readFolded(text);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return fail(`it begins as JSON, and is none: ${(error as Error).message}`);
  }
  if ((json as SpeedscopeFile)?.$schema === SPEEDSCOPE_SCHEMA) {
    return readSpeedscope(json as SpeedscopeFile);
  }
  if (Array.isArray((json as CpuProfile)?.nodes)) return readCpuProfile(json as CpuProfile);
  return fail('it is JSON, but neither a .cpuprofile nor of speedscope');
}

function decodeText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replaceAll('\r\n', '\n');
}

function isText(bytes: Uint8Array): boolean {
  const { length } = bytes.subarray(0, HEAD_BYTES);
  for (let i = 0; i < length; i++) {
    const byte = bytes[i] as number;
    if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return false;
  }
  return true;
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

async function gunzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([bytes])
    .stream()
    .pipeThrough(new DecompressionStream('gzip'))
    .getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader
      .read()
      .catch((error) => fail(`it is no whole gzip: ${error}`));
    if (done) break;
    length += value.length;
    if (length > MOST_BYTES) fail(`it has more than ${MOST_BYTES} bytes unpacked`);
    chunks.push(value);
  }
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}
