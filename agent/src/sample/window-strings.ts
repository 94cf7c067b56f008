import type { WindowColumns } from './native.ts';

/** Reads the strings of a window by their index; each is decoded once. */
export function stringReader({
  strings,
  stringOffsets,
}: Pick<WindowColumns, 'strings' | 'stringOffsets'>): (index: number) => string {
  const decoded: (string | undefined)[] = [];
  return (index) => {
    decoded[index] ??= strings.toString('utf8', stringOffsets[index], stringOffsets[index + 1]);
    return decoded[index] as string;
  };
}
