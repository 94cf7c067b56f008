import { formatFrame, StackColumnsBuilder } from '@bunsen/profile';
import { BunsenError } from '../../errors.ts';
import { type IngestLimits, tooDeep, tooMany } from '../limits.ts';
import { DEFAULT_SAMPLE_RATE, type FoldedType, foldedTypeOf } from '../profile-types.ts';
import type { DecodedProfile } from './decoded.ts';
import { profileOfStacks, type StacksRequest } from './folded.ts';
import { parseJson } from './json.ts';

const SCHEMA = 'https://www.speedscope.app/file-format-schema.json';
/** Units of time, in nanoseconds. */
const TIME_UNITS: Record<string, number> = {
  nanoseconds: 1,
  microseconds: 1e3,
  milliseconds: 1e6,
  seconds: 1e9,
};

interface SpeedscopeRequest extends StacksRequest {
  /** The application's name says no type, so that the profile's unit does. */
  untyped: boolean;
}

interface Frame {
  name: string;
  file?: string;
  line?: number;
}

interface SpeedscopeProfile {
  type: 'sampled' | 'evented';
  name: string;
  unit: string;
  startValue: number;
  samples?: number[][];
  weights?: number[];
  events?: { type: 'O' | 'C'; at: number; frame: number }[];
}

/**
 * Decodes a speedscope file, sampled or evented: one profile for each of its profiles, with the label
 * `profile_name`.
 * @throws BunsenError `SPEEDSCOPE_MALFORMED`, `PARAMETER_CONTRADICTION`, `PROFILE_TOO_LARGE`
 */
export function decodeSpeedscope(
  bytes: Uint8Array,
  request: SpeedscopeRequest,
  limits: IngestLimits,
): DecodedProfile[] {
  const { frames, profiles } = parse(bytes, limits);
  if (frames.length > limits.tableEntries) {
    throw tooMany(frames.length, 'frames', limits, 'tableEntries');
  }
  return profiles.map((profile, index) => {
    const where = `profiles[${index}]`;
    const { type, scale } = typeOf(profile, where, request);
    const tree = new WeightedTree(frames.length, limits);
    if (profile.type === 'sampled') addSamples(profile, tree, where);
    else if (profile.type === 'evented') addEvents(profile, tree, where);
    else fail(`${where}.type ${shown(profile.type)} is neither sampled nor evented`);
    const stacks = tree.stacks(frames, scale);
    const labels = profile.name === '' ? {} : { profile_name: profile.name };
    return profileOfStacks(
      stacks,
      // Values are in the type's unit already.
      { ...request, type: { ...type, sampled: false }, labels: { ...labels, ...request.labels } },
      'SPEEDSCOPE_MALFORMED',
    );
  });
}

function parse(
  bytes: Uint8Array,
  limits: IngestLimits,
): { frames: Frame[]; profiles: SpeedscopeProfile[] } {
  let file: { $schema?: unknown; shared?: { frames?: unknown }; profiles?: unknown };
  try {
    file = parseJson(bytes, limits) as typeof file;
  } catch (error) {
    if (error instanceof BunsenError) throw error;
    return fail(`it is not JSON: ${(error as Error).message}`);
  }
  if (file?.$schema !== SCHEMA) fail(`$schema is ${shown(file?.$schema)}, and not ${SCHEMA}`);
  const frames = listOf<Frame>('shared.frames', file.shared?.frames);
  frames.forEach((frame, i) => {
    if (typeof frame?.name !== 'string') fail(`shared.frames[${i}].name is not a text`);
    if (!['undefined', 'string'].includes(typeof (frame.file ?? undefined))) {
      fail(`shared.frames[${i}].file is not a text`);
    }
    if (!Number.isSafeInteger(frame.line ?? 0)) {
      fail(`shared.frames[${i}].line is not a whole number`);
    }
  });
  const profiles = listOf<SpeedscopeProfile>('profiles', file.profiles);
  profiles.forEach((profile, i) => {
    if (typeof profile?.name !== 'string') fail(`profiles[${i}].name is not a text`);
  });
  return { frames, profiles };
}

/** What the values are, and what makes nanoseconds, bytes or counts of them. */
function typeOf(
  { unit }: SpeedscopeProfile,
  where: string,
  { type, sampleRate, untyped }: SpeedscopeRequest,
): { type: FoldedType; scale: number } {
  const wanted = type.profileType.sampleUnit;
  const contradiction = (what: string): never => {
    throw new BunsenError('PARAMETER_CONTRADICTION', `${where}.unit is ${unit}, but ${what}`);
  };
  if (unit === 'none') return { type, scale: type.sampled ? 1e9 / sampleRate : 1 };
  if (unit === 'bytes') {
    if (untyped) return { type: foldedTypeOf('app.bytes').type, scale: 1 };
    return wanted === 'bytes' ? { type, scale: 1 } : contradiction(`name says ${wanted}`);
  }
  const scale = Object.hasOwn(TIME_UNITS, unit) ? TIME_UNITS[unit] : undefined;
  if (scale === undefined) {
    return fail(
      `${where}.unit ${shown(unit)} is not one of none, bytes, ${Object.keys(TIME_UNITS).join(', ')}`,
    );
  }
  if (!untyped && wanted !== 'nanoseconds') contradiction(`name says ${wanted}`);
  if (sampleRate !== DEFAULT_SAMPLE_RATE) {
    contradiction(`sampleRate=${sampleRate} is for profiles that count samples: leave it out`);
  }
  return { type: untyped ? foldedTypeOf('app').type : type, scale };
}

function addSamples(profile: SpeedscopeProfile, tree: WeightedTree, where: string): void {
  const samples = listOf<number[]>(`${where}.samples`, profile.samples);
  const weights = listOf<number>(`${where}.weights`, profile.weights);
  if (samples.length !== weights.length) {
    fail(`${where} has ${samples.length} samples and ${weights.length} weights`);
  }
  samples.forEach((sample, i) => {
    let node = ROOT;
    for (const frame of listOf<number>(`${where}.samples[${i}]`, sample)) {
      node = tree.child(node, frame, `${where}.samples[${i}]`);
    }
    tree.add(node, weights[i], `${where}.weights[${i}]`);
  });
}

/** The time between two events belongs to the stack that is open then. */
function addEvents(profile: SpeedscopeProfile, tree: WeightedTree, where: string): void {
  const events = listOf<{ type: string; at: number; frame: number }>(
    `${where}.events`,
    profile.events,
  );
  let last = profile.startValue;
  let node = ROOT;
  events.forEach((event, i) => {
    const here = `${where}.events[${i}]`;
    if (node !== ROOT) tree.add(node, event?.at - last, `${here}.at after the event before`);
    last = event.at;
    if (event.type === 'O') node = tree.child(node, event.frame, here);
    else if (event.type !== 'C') fail(`${here}.type ${shown(event.type)} is neither O nor C`);
    else if (node === ROOT || tree.frameOf(node) !== event.frame) {
      fail(`${here} closes the frame ${shown(event.frame)}, which is not the innermost open one`);
    } else node = tree.parentOf(node);
  });
  if (node !== ROOT) fail(`${where}.events leave the frame ${tree.frameOf(node)} open`);
}

const ROOT = 0;

/** Sums of the weights of equal stacks: fractions must not be rounded one by one. */
class WeightedTree {
  readonly #frames: number;
  readonly #limits: IngestLimits;
  readonly #parents = [-1];
  readonly #ofNode = [-1];
  readonly #depths = [0];
  readonly #weights = [0];
  readonly #children = new Map<number, number>();

  constructor(frames: number, limits: IngestLimits) {
    this.#frames = frames;
    this.#limits = limits;
  }

  child(parent: number, frame: number, where: string): number {
    if (!Number.isInteger(frame) || frame < 0 || frame >= this.#frames) {
      fail(`${where} refers to frame ${shown(frame)}; shared.frames has ${this.#frames}`);
    }
    const key = parent * this.#frames + frame;
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    const depth = (this.#depths[parent] as number) + 1;
    if (depth > this.#limits.stackDepth) throw tooDeep(`${where} has more`, this.#limits);
    const node = this.#parents.push(parent) - 1;
    if (node > this.#limits.tableEntries) {
      throw tooMany('more', 'nodes', this.#limits, 'tableEntries');
    }
    this.#ofNode.push(frame);
    this.#depths.push(depth);
    this.#weights.push(0);
    this.#children.set(key, node);
    return node;
  }

  add(node: number, weight: number | undefined, where: string): void {
    if (typeof weight !== 'number' || !(weight >= 0 && weight < 2 ** 63)) {
      fail(`${where} is ${shown(weight)}, and not a number from 0 to 2^63`);
    }
    this.#weights[node] = (this.#weights[node] as number) + (weight as number);
  }

  frameOf(node: number): number {
    return this.#ofNode[node] as number;
  }

  parentOf(node: number): number {
    return this.#parents[node] as number;
  }

  stacks(frames: Frame[], scale: number) {
    const builder = new StackColumnsBuilder(this.#limits);
    const values: bigint[] = [];
    const ids: (number | undefined)[] = [];
    const idOf = (index: number): number => {
      const { name, file, line } = frames[index] as Frame;
      ids[index] ??= builder.frameId(formatFrame({ name, file: file ?? '', line: line ?? 0 }));
      return ids[index];
    };
    this.#weights.forEach((weight, node) => {
      const value = Math.round(weight * scale);
      if (value === 0) return;
      if (value >= 2 ** 63) fail(`the values of a stack together are ${value}, beyond 2^63 - 1`);
      for (let at = node; at !== ROOT; at = this.parentOf(at)) builder.push(idOf(this.frameOf(at)));
      builder.endReversedStack();
      values.push(BigInt(value));
    });
    return { ...builder.build(), values: BigInt64Array.from(values) };
  }
}

function listOf<T>(name: string, value: unknown): T[] {
  return Array.isArray(value) ? value : fail(`${name} is not a list`);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'missing').slice(0, 80);
}

function fail(what: string): never {
  throw new BunsenError('SPEEDSCOPE_MALFORMED', `not a speedscope file: ${what}`);
}
