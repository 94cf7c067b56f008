import { formatProfileType, type Profile, type ProfileType } from '@bunsen/profile';
import { BunsenError, type ErrorCode } from '../errors.ts';

/** `sample_type_config` of Pyroscope's clients: by sample type of the pprof. */
export type SampleTypeConfig = Record<
  string,
  {
    units?: string;
    'display-name'?: string;
    aggregation?: string;
    cumulative?: boolean;
    sampled?: boolean;
  }
>;

/** Sample types that Go counts since the program started, where nobody says which are such sums. */
export const CUMULATIVE_TYPES = ['alloc_objects', 'alloc_space', 'contentions', 'delay'];

/** What Pyroscope takes these sample types for when the client does not say. */
const DISPLAY_NAMES = new Map([
  ['samples', 'cpu'],
  ['goroutine', 'goroutines'],
  ['contentions', 'mutex_count'],
  ['delay', 'mutex_duration'],
]);

/**
 * Profile type of each of a pprof's sample types. Its first part, the name, is told by the first
 * sample type that is known, as in Pyroscope: `process_cpu`, `memory`, `wall`, `mutex`, …
 */
export function profileTypesOf(profile: Profile, config: SampleTypeConfig = {}): string[] {
  const name = profileNameOf(
    profile.sampleTypes.map(({ type }) => type),
    config,
  );
  const types = profile.sampleTypes.map(({ type, unit }) => {
    if (type === '') throw new BunsenError('PPROF_MALFORMED', 'a sample_type has no type');
    return formatProfileType({
      name,
      sampleType: checkPart('sample_type', type),
      sampleUnit: checkPart('the unit of sample_type', unit) || 'count',
      periodType: checkPart('period_type', profile.periodType.type),
      periodUnit: checkPart('the unit of period_type', profile.periodType.unit),
    });
  });
  const twice = types.find((type, i) => types.indexOf(type) !== i);
  if (twice !== undefined) {
    throw new BunsenError(
      'PPROF_MALFORMED',
      `the sample type ${twice} is there twice: its values would count twice`,
    );
  }
  return types;
}

/**
 * For formats that say the type themselves.
 * @throws BunsenError `code` without a type; `PROFILE_TYPE_MALFORMED`
 */
export function checkProfileType(type: ProfileType, code: ErrorCode): void {
  if (type.name === '' || type.sampleType === '') {
    throw new BunsenError(code, 'a sample type has no type');
  }
  for (const [field, text] of Object.entries(type)) checkPart(field, text);
}

/** What would be stored and could not be asked for: a selector has no quotes around the type. */
function checkPart(field: string, text: string): string {
  if (/^[A-Za-z0-9_./-]{0,256}$/.test(text)) return text;
  throw new BunsenError(
    'PROFILE_TYPE_MALFORMED',
    `${field} ${JSON.stringify(text.slice(0, 80))} is not of at most 256 of [A-Za-z0-9_./-]: rename it at the source`,
  );
}

function profileNameOf(types: string[], config: SampleTypeConfig): string {
  if (types.includes('wall')) return 'wall';
  for (const type of types) {
    const own = Object.hasOwn(config, type) ? config[type] : undefined;
    const shown = own?.['display-name'] ?? DISPLAY_NAMES.get(type) ?? type;
    if (shown.includes('cpu')) return 'process_cpu';
    if (/alloc_|inuse_/.test(shown) || shown === 'space' || shown === 'objects') return 'memory';
    if (shown.includes('mutex_')) return 'mutex';
    if (shown.includes('block_')) return 'block';
    if (shown.includes('goroutines')) return 'goroutines';
  }
  return types.at(-1) as string;
}

/** What the values of folded text mean, by the suffix of the application's name. */
export interface FoldedType {
  profileType: ProfileType;
  /** The text counts samples: the rate turns them into nanoseconds. */
  sampled: boolean;
  /** What `units` may say about this type. */
  units: string[];
}

const SAMPLE_UNITS = ['samples', 'count', 'nanoseconds'];
const COUNT_UNITS = ['objects', 'count', 'samples', 'lock_samples', 'goroutines'];
const TIME_UNITS = ['lock_nanoseconds', 'nanoseconds'];

/** Samples a second where nobody says it, as in Pyroscope. */
export const DEFAULT_SAMPLE_RATE = 100;

/** Suffix -> [name, sample type, sample unit, units that may be declared]. */
const FOLDED_TYPES: Record<string, [string, string, string, string[]]> = {
  inuse_objects: ['memory', 'inuse_objects', 'count', COUNT_UNITS],
  inuse_space: ['memory', 'inuse_space', 'bytes', ['bytes']],
  alloc_objects: ['memory', 'alloc_objects', 'count', COUNT_UNITS],
  alloc_space: ['memory', 'alloc_space', 'bytes', ['bytes']],
  goroutines: ['goroutine', 'goroutines', 'count', COUNT_UNITS],
  mutex_count: ['mutex', 'contentions', 'count', COUNT_UNITS],
  mutex_duration: ['mutex', 'delay', 'nanoseconds', TIME_UNITS],
  block_count: ['block', 'contentions', 'count', COUNT_UNITS],
  block_duration: ['block', 'delay', 'nanoseconds', TIME_UNITS],
  lock_count: ['block', 'contentions', 'count', COUNT_UNITS],
  lock_duration: ['block', 'delay', 'nanoseconds', TIME_UNITS],
  alloc_in_new_tlab_objects: ['memory', 'alloc_in_new_tlab_objects', 'count', COUNT_UNITS],
  alloc_in_new_tlab_bytes: ['memory', 'alloc_in_new_tlab_bytes', 'bytes', ['bytes']],
  alloc_outside_tlab_objects: ['memory', 'alloc_outside_tlab_objects', 'count', COUNT_UNITS],
  alloc_outside_tlab_bytes: ['memory', 'alloc_outside_tlab_bytes', 'bytes', ['bytes']],
  live: ['memory', 'live', 'count', COUNT_UNITS],
  exceptions: ['exceptions', 'samples', 'count', COUNT_UNITS],
  bytes: ['memory', 'samples', 'bytes', ['bytes']],
};
/** Suffixes of sampled time: counts times 1e9 / sampleRate are nanoseconds. */
const SAMPLED_TYPES: Record<string, [name: string, sampleType: string]> = {
  cpu: ['process_cpu', 'cpu'],
  itimer: ['process_cpu', 'cpu'],
  wall: ['wall', 'wall'],
};

/**
 * Takes `app.alloc_space` apart into the application and what its values mean; without a dot it is
 * CPU, as in Pyroscope.
 * @throws BunsenError `APP_NAME_MALFORMED` for a suffix that is none of the known ones
 */
export function foldedTypeOf(appName: string): { app: string; type: FoldedType } {
  const dot = appName.lastIndexOf('.');
  const suffix = dot < 0 ? 'cpu' : appName.slice(dot + 1);
  const app = dot < 0 ? appName : appName.slice(0, dot);
  const sampled = Object.hasOwn(SAMPLED_TYPES, suffix) ? SAMPLED_TYPES[suffix] : undefined;
  if (sampled) {
    const [name, sampleType] = sampled;
    const profileType = {
      name,
      sampleType,
      sampleUnit: 'nanoseconds',
      periodType: 'cpu',
      periodUnit: 'nanoseconds',
    };
    return { app, type: { profileType, sampled: true, units: SAMPLE_UNITS } };
  }
  const counted = Object.hasOwn(FOLDED_TYPES, suffix) ? FOLDED_TYPES[suffix] : undefined;
  if (!counted) {
    const known = [...Object.keys(SAMPLED_TYPES), ...Object.keys(FOLDED_TYPES)].join(', ');
    throw new BunsenError(
      'APP_NAME_MALFORMED',
      `name ${JSON.stringify(appName)}: the part after the last dot tells the profile type, and ${JSON.stringify(suffix)} is none of ${known}`,
    );
  }
  const [name, sampleType, sampleUnit, units] = counted;
  const profileType = { name, sampleType, sampleUnit, periodType: '', periodUnit: '' };
  return { app, type: { profileType, sampled: false, units } };
}
