import { parseFolded } from '@bunsen/profile';
import type { ReadFile } from './file-profile.ts';

/** Folded text: `main;handle;parse 12`, root first. What it counts is not said there. */
export function readFolded(text: string): ReadFile {
  const { values, ...stacks } = parseFolded(text);
  return {
    format: 'folded text',
    profiles: [
      {
        name: 'samples',
        unit: 'count',
        stacks,
        values: Float64Array.from(values, Number),
        range: null,
      },
    ],
    warnings: [],
  };
}
