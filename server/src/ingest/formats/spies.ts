import { formatFrame, type Profile, parseFrame } from '@bunsen/profile';
import type { SampleTypeConfig } from '../profile-types.ts';

/** Pyroscope's clients for languages whose functions have their names in common, file by file. */
const SCRIPTING = new Set(['pyspy', 'rbspy', 'scripting']);

/**
 * A pprof as Pyroscope stores it, which knows some of its clients by the name of their spy: names of
 * functions of Python and Ruby begin with their file, and types of .NET have underscores.
 */
export function ofSpy(
  profile: Profile,
  spyName: string | undefined,
  config: SampleTypeConfig,
): Profile {
  if (spyName !== undefined && SCRIPTING.has(spyName)) {
    return { ...profile, frames: profile.frames.map(withFile) };
  }
  if (!isDotnet(spyName, config)) return profile;
  const sampleTypes = profile.sampleTypes.map(({ type, unit }) => ({
    type: type.replaceAll('-', '_'),
    unit,
  }));
  return { ...profile, sampleTypes };
}

/** Its first versions say nothing but this type. */
function isDotnet(spyName: string | undefined, config: SampleTypeConfig): boolean {
  return (
    spyName === 'dotnetspy' ||
    ((spyName ?? 'unknown') === 'unknown' && Object.hasOwn(config, 'inuse-space'))
  );
}

/** The line, -1, says nothing: Pyroscope writes it so, and filters that were saved there have it. */
function withFile(text: string): string {
  const frame = parseFrame(text);
  if (frame.file === '') return text;
  return formatFrame({ ...frame, name: `${frame.file}:-1 - ${frame.name}` });
}
