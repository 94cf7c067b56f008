import { isPerfScript, parseProfileType } from '@bunsen/profile';
import { BunsenError } from '../errors.ts';
import { type BodySource, decodeBody } from '../ingest/decode.ts';
import type { DecodedProfile } from '../ingest/formats/decoded.ts';
import { ByteBudget, isGzip } from '../ingest/formats/inflate.ts';
import type { IngestLimits } from '../ingest/limits.ts';
import { DEFAULT_SAMPLE_RATE, type FoldedType } from '../ingest/profile-types.ts';

/** Values of one type, of one or more profiles. */
export interface UploadedType {
  /** As readers are shown it: the sample type, or where two have it, the whole profile type. */
  name: string;
  profileType: string;
  /** Profiles that have it, with its place among the values of each. */
  columns: { profile: DecodedProfile['profile']; index: number }[];
}

/** What is counted in text is not said there. */
const COUNTED: FoldedType = {
  profileType: {
    name: 'samples',
    sampleType: 'samples',
    sampleUnit: 'count',
    periodType: '',
    periodUnit: '',
  },
  sampled: false,
  units: [],
};
const LABELS = { service_name: 'adhoc' };
const JFR_MAGIC = 'FLR\0';
/** How much of a file tells text from a pprof, which has small numbers from its first bytes on. */
const HEAD_BYTES = 1024;
/** How much of a text tells the one of `perf script`, by its first sample. */
const HEAD_CHARS = 64 * 1024;

/**
 * Decodes a file whose format only its bytes tell: pprof, JFR, speedscope, the text of `perf script` or
 * folded text, gzipped or not, within the limits of pushes.
 * @returns one or more types, in the order of the file
 * @throws BunsenError or ProfileError, as a push of it would
 */
export function decodeUpload(file: Uint8Array, limits: IngestLimits): UploadedType[] {
  if (file.length === 0) throw new BunsenError('BODY_EMPTY', 'profile is empty: send a file');
  const bytes = isGzip(file) ? new ByteBudget(limits.profileBytes).gunzip(file) : file;
  return typesOf(decodeBody(bytes, false, sourceOf(bytes), limits));
}

function sourceOf(bytes: Uint8Array): BodySource {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, HEAD_BYTES));
  const untimed = { fromMs: undefined, untilMs: undefined };
  const stacks = { ...untimed, labels: LABELS, type: COUNTED, sampleRate: DEFAULT_SAMPLE_RATE };
  if (head.toString('latin1', 0, JFR_MAGIC.length) === JFR_MAGIC) {
    return {
      kind: 'jfr',
      request: {
        labels: LABELS,
        sampleRate: DEFAULT_SAMPLE_RATE,
        fromMs: undefined,
        snapshot: undefined,
      },
    };
  }
  const isText = head.every(
    (byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d,
  );
  if (!isText) {
    return {
      kind: 'pprof',
      request: { labels: LABELS, sampleTypeConfig: {}, fromMs: undefined },
    };
  }
  if (/^\s*\{/.test(head.toString('latin1'))) {
    return { kind: 'speedscope', request: { ...stacks, untyped: true } };
  }
  const text = new TextDecoder().decode(bytes.subarray(0, HEAD_CHARS));
  if (isPerfScript(text)) return { kind: 'perf-script', labels: LABELS };
  return { kind: 'groups', request: stacks };
}

function typesOf(decoded: DecodedProfile[]): UploadedType[] {
  const byType = new Map<string, UploadedType['columns']>();
  for (const { profile, types } of decoded) {
    types.forEach((type, index) => {
      const columns = byType.get(type);
      if (columns) columns.push({ profile, index });
      else byType.set(type, [{ profile, index }]);
    });
  }
  if (byType.size === 0) throw new BunsenError('BODY_EMPTY', 'profile has no samples');
  const sampleTypes = Array.from(byType.keys(), (type) => parseProfileType(type).sampleType);
  return Array.from(byType, ([profileType, columns], i) => {
    const sampleType = sampleTypes[i] as string;
    const isUnique = sampleTypes.filter((other) => other === sampleType).length === 1;
    return { name: isUnique ? sampleType : profileType, profileType, columns };
  });
}
