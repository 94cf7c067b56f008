import type { ReadOptions, Store } from '../store/store.ts';
import { mergeParams, WEEKS } from './merge-plan.ts';
import type { Selection } from './selection.ts';

/** Stacks of a part, about: a fifth of a second's work for the store, and as much for the tree. */
export const PART_STACKS = 250_000;

export interface ServiceParts {
  /** Together what was selected; each service is in one of them. */
  selections: Selection[];
  /** About how many stacks there are; 0 = not known. */
  stacks: number;
}

/**
 * A selection of many services as selections of some of them, in the order of their names: while the
 * tree takes in the stacks of one, the store fetches those of the next, and never all of them are in
 * memory.
 */
export async function serviceParts(
  store: Store,
  selection: Selection,
  partStacks: number,
  read: ReadOptions,
): Promise<ServiceParts> {
  if (selection.isOneService) return { selections: [selection], stacks: 0 };
  const services = await store.rows<{ service: string; stacks: number }>(
    `SELECT service, toUInt32(count()) AS stacks FROM stacks
     WHERE ${selection.serviceKeys} AND ${WEEKS} GROUP BY service ORDER BY service`,
    { ...read, params: mergeParams(selection) },
  );
  const lasts: string[] = [];
  let [stacks, open] = [0, 0];
  for (const service of services) {
    stacks += service.stacks;
    open += service.stacks;
    if (open < partStacks) continue;
    lasts.push(service.service);
    open = 0;
  }
  // The last part has no end, and so has services whose stacks are missing as well.
  if (open === 0) lasts.pop();
  return {
    selections: [...lasts, undefined].map((last, part) =>
      between(selection, lasts[part - 1], last),
    ),
    stacks,
  };
}

/** @param after the part before ends with it; undefined = there is none. @param last undefined = to the end */
function between(
  selection: Selection,
  after: string | undefined,
  last: string | undefined,
): Selection {
  const conditions = [
    ...(after === undefined ? [] : ['service > {afterService:String}']),
    ...(last === undefined ? [] : ['service <= {lastService:String}']),
  ];
  const narrowed = (keys: string) => [keys, ...conditions].join(' AND ');
  return {
    ...selection,
    keys: narrowed(selection.keys),
    serviceKeys: narrowed(selection.serviceKeys),
    params: {
      ...selection.params,
      ...(after !== undefined && { afterService: after }),
      ...(last !== undefined && { lastService: last }),
    },
  };
}
