import { NO_STACK_FRAME } from '@bunsen/profile';
import type { QueryParams } from '../store/store.ts';

/** Which stacks of a selection are asked for, and what of them. */
export interface StackSelector {
  /** Names of functions that a stack begins with, the root first; none = any. */
  callSite: string[];
  /** For a profile that a Go compiler is given; undefined = whole stacks. */
  goPgo: GoPgo | undefined;
}

export interface GoPgo {
  /** Frames that are kept of each stack, from the leaf on; 0 = all. */
  keepLocations: number;
  /** Leaves of one function are one, whatever their line. */
  aggregateCallees: boolean;
}

/**
 * SELECT of (frames, v) like the one that is given, of the stacks that are asked for.
 * Needs {@link stackSelectorParams}.
 * @param stacks SELECT of (frames, v) with frames, root first, as they are stored
 */
export function selectedStacksSql(stacks: string, { callSite, goPgo }: StackSelector): string {
  const where = callSite.length === 0 ? '' : `WHERE ${stackConditionSql({ callSite })}`;
  const selected = where === '' ? stacks : `SELECT frames, v FROM (${stacks}) ${where}`;
  if (!goPgo) return selected;
  const { keepLocations, aggregateCallees } = goPgo;
  const kept = keepLocations === 0 ? 'frames' : `arraySlice(frames, -${keepLocations})`;
  const named = aggregateCallees
    ? `arrayConcat(arrayPopBack(${kept}), arrayMap(leaf -> ${withoutLine('leaf')}, arraySlice(${kept}, -1)))`
    : kept;
  return `SELECT cut AS frames, sum(v) AS v
    FROM (SELECT CAST(${named}, 'Array(LowCardinality(String))') AS cut, v FROM (${selected}))
    GROUP BY cut`;
}

/** Stacks that begin with a call site, or that have a function anywhere. */
export type StackCondition = { callSite: string[] } | { name: string; module: string | undefined };

/** Condition on the column `frames`. Needs {@link stackConditionParams}. */
export function stackConditionSql(condition: StackCondition): string {
  // A stack that is missing has the one frame that says so.
  const present = `if(empty(frames), ['${NO_STACK_FRAME}'], CAST(frames, 'Array(String)'))`;
  const field = (index: number) => `splitByChar('\\x1f', frame)[${index}]`;
  if ('callSite' in condition) {
    const first = `arraySlice(${present}, 1, length({callSite:Array(String)}))`;
    return `arrayMap(frame -> ${field(1)}, ${first}) = {callSite:Array(String)}`;
  }
  const ofModule = condition.module === undefined ? '' : `AND ${field(2)} = {module:String}`;
  return `arrayExists(frame -> ${field(1)} = {function:String} ${ofModule}, ${present})`;
}

export function stackConditionParams(condition: StackCondition): QueryParams {
  if ('callSite' in condition) return { callSite: condition.callSite };
  const { name, module } = condition;
  return { function: name, ...(module !== undefined && { module }) };
}

/** A stored frame is name, module, file, line and build ID; empty ones at its end are left out. */
function withoutLine(frame: string): string {
  const fields = `splitByChar('\\x1f', toString(${frame}))`;
  const cleared = `arrayMap((field, i) -> if(i = 4, '', field), ${fields}, arrayEnumerate(${fields}))`;
  return `replaceRegexpOne(arrayStringConcat(${cleared}, '\\x1f'), '\\x1f+$', '')`;
}

export function stackSelectorParams({ callSite }: StackSelector): QueryParams {
  return callSite.length === 0 ? {} : stackConditionParams({ callSite });
}
