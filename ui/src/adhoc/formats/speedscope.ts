import { formatFrame } from '@bunsen/profile';
import { type FileProfile, fail, listOf, type ReadFile, shown } from './file-profile.ts';
import { ROOT, StackTree } from './stack-tree.ts';

export const SPEEDSCOPE_SCHEMA = 'https://www.speedscope.app/file-format-schema.json';

export interface SpeedscopeFile {
  $schema: string;
  shared: { frames: { name: string; file?: string; line?: number }[] };
  profiles: SpeedscopeProfile[];
}

interface SpeedscopeProfile {
  type: string;
  name: string;
  unit: string;
  startValue: number;
  samples?: number[][];
  weights?: number[];
  events?: { type: string; at: number; frame: number }[];
}

/** Units of time, in nanoseconds. */
const TIME_UNITS: Record<string, number> = {
  nanoseconds: 1,
  microseconds: 1e3,
  milliseconds: 1e6,
  seconds: 1e9,
};

/** speedscope's own format: a profile for each of its profiles. @throws FileError that names the field */
export function readSpeedscope(file: SpeedscopeFile): ReadFile {
  const frames = listOf<{ name: string; file?: string; line?: number }>(
    'shared.frames',
    file.shared?.frames,
  );
  const texts = frames.map((frame, i) => {
    if (typeof frame?.name !== 'string') fail(`shared.frames[${i}].name is not a text`);
    return formatFrame({ name: frame.name, file: frame.file ?? '', line: frame.line ?? 0 });
  });
  const profiles = listOf<SpeedscopeProfile>('profiles', file.profiles);
  if (profiles.length === 0) fail('profiles is empty');
  return {
    format: 'speedscope',
    profiles: profiles.map((profile, i) => readProfile(profile, `profiles[${i}]`, texts)),
    warnings: [],
  };
}

function readProfile(profile: SpeedscopeProfile, where: string, texts: string[]): FileProfile {
  const tree = new StackTree();
  const child = (node: number, frame: number, at: string): number =>
    texts[frame] === undefined
      ? fail(`${at} refers to frame ${shown(frame)}; shared.frames has ${texts.length}`)
      : tree.child(node, frame);
  const add = (node: number, weight: unknown, at: string) => {
    if (typeof weight !== 'number' || !(weight >= 0)) fail(`${at} is ${shown(weight)}`);
    tree.add(node, weight as number);
  };
  if (profile.type === 'sampled') {
    const weights = listOf<number>(`${where}.weights`, profile.weights);
    const samples = listOf<number[]>(`${where}.samples`, profile.samples);
    if (samples.length !== weights.length) {
      fail(`${where} has ${samples.length} samples and ${weights.length} weights`);
    }
    samples.forEach((stack, i) => {
      const at = `${where}.samples[${i}]`;
      const node = listOf<number>(at, stack).reduce((up, frame) => child(up, frame, at), ROOT);
      add(node, weights[i], `${where}.weights[${i}]`);
    });
  } else if (profile.type === 'evented') {
    // The time between two events belongs to the stack that is open then.
    let node = ROOT;
    let last = profile.startValue;
    listOf<{ type: string; at: number; frame: number }>(`${where}.events`, profile.events).forEach(
      (event, i) => {
        const at = `${where}.events[${i}]`;
        if (node !== ROOT) add(node, event?.at - last, `${at}.at after the event before`);
        last = event.at;
        if (event.type === 'O') node = child(node, event.frame, at);
        else if (event.type === 'C' && node !== ROOT && tree.frameOf(node) === event.frame) {
          node = tree.parentOf(node);
        } else fail(`${at} closes frame ${shown(event.frame)}, which is not the innermost`);
      },
    );
  } else fail(`${where}.type ${shown(profile.type)} is neither sampled nor evented`);
  const scale = TIME_UNITS[profile.unit];
  const { stacks, values } = tree.stacks((frame) => texts[frame] as string);
  return {
    name: profile.name || 'profile',
    unit: scale ? 'nanoseconds' : profile.unit === 'bytes' ? 'bytes' : 'count',
    stacks,
    values: scale ? values.map((value) => value * scale) : values,
    range: null,
  };
}
