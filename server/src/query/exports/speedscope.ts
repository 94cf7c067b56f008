import { type CallTree, parseFrame } from '@bunsen/profile';
import type { ExportSubject } from './export-form.ts';

const SCHEMA = 'https://www.speedscope.app/file-format-schema.json';
/** Units that the format has; others are `none`. */
const UNITS = ['nanoseconds', 'microseconds', 'milliseconds', 'seconds', 'bytes'];

/**
 * Speedscope's own format: one sampled profile, in which every stack is a sample with its sum as the
 * weight. A frame's `file` is its source file if that is known, and otherwise its module.
 * @param fileOf source files by function
 */
export function* speedscopeJson(
  tree: CallTree,
  { query, profileType, range }: ExportSubject,
  fileOf: ReadonlyMap<string, string>,
): Generator<string> {
  const { frames, frame, depth, self, total } = tree;
  const json = JSON.stringify;
  yield `{"$schema":${json(SCHEMA)},"exporter":"bunsen","name":${json(query)},`;
  yield '"activeProfileIndex":0,"shared":{"frames":[';
  for (const [index, text] of frames.entries()) {
    const { name, module } = parseFrame(text);
    const file = fileOf.get(text) || module;
    yield `${index === 0 ? '' : ','}${json(file === '' ? { name } : { name, file })}`;
  }
  const unit = UNITS.find((known) => known === profileType.sampleUnit) ?? 'none';
  const from = new Date(range.fromMs).toISOString();
  const until = new Date(range.untilMs).toISOString();
  const name = `${profileType.sampleType}, ${from} to ${until}`;
  yield `]},"profiles":[{"type":"sampled","name":${json(name)},"unit":"${unit}",`;
  yield `"startValue":0,"endValue":${total[0]},"samples":[`;
  const path: number[] = [];
  let first = true;
  for (let node = 1; node < depth.length; node++) {
    path.length = (depth[node] as number) - 1;
    path.push(frame[node] as number);
    if (self[node] === 0) continue;
    yield `${first ? '' : ','}[${path.join(',')}]`;
    first = false;
  }
  yield '],"weights":[';
  first = true;
  for (const value of self) {
    if (value === 0) continue;
    yield `${first ? '' : ','}${value}`;
    first = false;
  }
  yield ']}]}\n';
}
