import type { FunctionTable } from '@bunsen/flame';
import { nameOfFrame } from '@bunsen/profile';
import type { SortColumn } from '../url/view-state.ts';

/**
 * The functions to list, as indices into the table's columns, in order. Equal values stand in the
 * order of their names, so that a refresh does not shuffle them.
 * @param marked per frame: 1 if a search matches; null to list every function
 */
export function listFunctions(
  table: FunctionTable,
  marked: Uint8Array | null,
  sort: SortColumn,
  ascending: boolean,
): number[] {
  let listed = Array.from(table.functions.keys());
  if (marked) {
    const found = new Uint8Array(table.functions.length);
    marked.forEach((mark, frame) => {
      if (mark === 1) found[table.functionOf[frame] as number] = 1;
    });
    listed = listed.filter((index) => found[index] === 1);
  }
  const sign = ascending ? 1 : -1;
  const byName = (a: number, b: number) => {
    const [left, right] = [table.functions[a] as string, table.functions[b] as string];
    return left < right ? -1 : left > right ? 1 : 0;
  };
  if (sort === 'name') {
    const lower = table.functions.map((fn) => nameOfFrame(fn).toLowerCase());
    return listed.sort((a, b) => {
      const [left, right] = [lower[a] as string, lower[b] as string];
      return sign * (left < right ? -1 : left > right ? 1 : byName(a, b));
    });
  }
  const column = table[sort];
  return listed.sort(
    (a, b) => sign * ((column[a] as number) - (column[b] as number)) || byName(a, b),
  );
}
