import { parsePerfScript } from '@bunsen/profile';
import type { ReadFile } from './file-profile.ts';

/** What `perf script` prints: a profile for each event. The name of the thread stands below the root. */
export function readPerfScript(text: string): ReadFile {
  const { events, unknown } = parsePerfScript(text);
  const { lines, first } = unknown;
  return {
    format: 'perf script',
    profiles: events.map((event) => ({ ...event, range: null })),
    warnings: lines > 0 ? [`${lines} lines were left out, the first of them ${first}`] : [],
  };
}
