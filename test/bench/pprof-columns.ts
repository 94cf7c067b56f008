import { formatFrame, type StackColumns } from '@bunsen/profile';
import { type Location, Profile } from 'pprof-format';

/** What a decoded pprof has to become before it can be stored. */
export interface SampleColumns extends StackColumns {
  sampleStack: Uint32Array;
  sampleLabels: Uint32Array;
  sampleValues: BigInt64Array;
  labelSets: Record<string, string>[];
}

/** The columns of a pprof by way of pprof-format's objects, as one would write it first. */
export function columnsOfObjects(bytes: Uint8Array): SampleColumns {
  const profile = Profile.decode(bytes);
  const text = (index: number | bigint) => profile.stringTable.strings[Number(index)] as string;
  const functions = new Map(profile.function.map((fn) => [Number(fn.id), fn]));
  const mappings = new Map(profile.mapping.map((mapping) => [Number(mapping.id), mapping]));
  const frameIds = new Map<string, number>();
  const idOf = (frame: string) => {
    const id = frameIds.get(frame) ?? frameIds.size;
    frameIds.set(frame, id);
    return id;
  };
  const framesOf = ({ line, mappingId }: Location) => {
    const mapping = mappings.get(Number(mappingId));
    const module = mapping ? (text(mapping.filename).split('/').at(-1) as string) : '';
    return line.map(({ functionId, line: number }) => {
      const fn = functions.get(Number(functionId));
      if (!fn) throw new Error(`no function ${functionId}`);
      const [name, file] = [text(fn.name), text(fn.filename)];
      return idOf(formatFrame({ name, module, file, line: Number(number) }));
    });
  };
  const locations = new Map(profile.location.map((location) => [location.id, framesOf(location)]));
  const labelSetIds = new Map<string, number>();
  const labelSets: Record<string, string>[] = [];
  const stackOffsets = [0];
  const stackFrames: number[] = [];
  const sampleLabels: number[] = [];
  for (const { locationId, label } of profile.sample) {
    const stack = locationId.flatMap((id) => locations.get(id) ?? []).reverse();
    stackFrames.push(...stack);
    stackOffsets.push(stackFrames.length);
    const labels = Object.fromEntries(label.map(({ key, str }) => [text(key), text(str)]));
    const key = JSON.stringify(labels);
    let set = labelSetIds.get(key);
    if (set === undefined) {
      set = labelSets.push(labels) - 1;
      labelSetIds.set(key, set);
    }
    sampleLabels.push(set);
  }
  return {
    frames: [...frameIds.keys()],
    stackOffsets: Uint32Array.from(stackOffsets),
    stackFrames: Uint32Array.from(stackFrames),
    sampleStack: Uint32Array.from(profile.sample.keys()),
    sampleLabels: Uint32Array.from(sampleLabels),
    sampleValues: BigInt64Array.from(profile.sample.flatMap(({ value }) => value.map(BigInt))),
    labelSets,
  };
}
