import { NO_STACK_FRAME } from '@bunsen/profile';
import type { QueryParams } from '../store/store.ts';

/** Which stacks of a selection are asked for, and what of them. */
export interface StackSelector extends StackCondition {
  /** For a profile that a Go compiler is given; undefined = whole stacks. */
  goPgo?: GoPgo | undefined;
}

/** What a stack must be like; what is undefined does not matter. */
export interface StackCondition {
  /** Names of functions that it begins with, the root first; none = any. */
  callSite?: string[] | undefined;
  /** A function that it has. */
  function?: { name: string; module: string | undefined } | undefined;
  frames?: FrameFilter | undefined;
}

/** By names of functions, wherever they are in a stack. */
export interface FrameFilter {
  /** It must have each of them, */
  includeFunctionNames: string[];
  /** and none of these. */
  excludeFunctionNames: string[];
  /** The same by regular expressions (RE2), which match somewhere in the name. */
  includeFunctionNameRegexes: string[];
  excludeFunctionNameRegexes: string[];
}

export interface GoPgo {
  /** Frames that are kept of each stack, from the leaf on; 0 = all. */
  keepLocations: number;
  /** Leaves of one function are one, whatever their line. */
  aggregateCallees: boolean;
}

/**
 * SELECT of (frames, v) like the one that is given, of the stacks that are asked for.
 * Needs {@link stackConditionParams}.
 * @param stacks SELECT of (frames, v) with frames, root first, as they are stored
 */
export function selectedStacksSql(stacks: string, selector: StackSelector): string {
  const selected = isAnyStack(selector)
    ? stacks
    : `SELECT frames, v FROM (${stacks}) WHERE ${stackConditionSql(selector)}`;
  const { goPgo } = selector;
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

/** Whether every stack is asked for. */
export function isAnyStack(condition: StackCondition): boolean {
  return conditionsOf(condition).length === 0;
}

/** Condition on the column `frames`. Needs {@link stackConditionParams}. */
export function stackConditionSql(condition: StackCondition): string {
  return conditionsOf(condition).join(' AND ');
}

// A stack that is missing has the one frame that says so.
const PRESENT = `if(empty(frames), ['${NO_STACK_FRAME}'], CAST(frames, 'Array(String)'))`;
const fieldOf = (frame: string, index: number) => `splitByChar('\\x1f', ${frame})[${index}]`;
const NAMES = `arrayMap(frame -> ${fieldOf('frame', 1)}, ${PRESENT})`;

function conditionsOf({ callSite = [], function: of, frames }: StackCondition): string[] {
  const conditions: string[] = [];
  if (callSite.length > 0) {
    const site = '{callSite:Array(String)}';
    conditions.push(`arraySlice(${NAMES}, 1, length(${site})) = ${site}`);
  }
  if (of) {
    const ofModule = of.module === undefined ? '' : `AND ${fieldOf('frame', 2)} = {module:String}`;
    conditions.push(
      `arrayExists(frame -> ${fieldOf('frame', 1)} = {function:String} ${ofModule}, ${PRESENT})`,
    );
  }
  if (!frames) return conditions;
  const some = (regex: string) => `arrayExists(name -> match(name, {${regex}:String}), ${NAMES})`;
  if (frames.includeFunctionNames.length > 0) {
    conditions.push(`hasAll(${NAMES}, {includeNames:Array(String)})`);
  }
  if (frames.excludeFunctionNames.length > 0) {
    conditions.push(`NOT hasAny(${NAMES}, {excludeNames:Array(String)})`);
  }
  return [
    ...conditions,
    ...frames.includeFunctionNameRegexes.map((_, i) => some(`includeRegex${i}`)),
    ...frames.excludeFunctionNameRegexes.map((_, i) => `NOT ${some(`excludeRegex${i}`)}`),
  ];
}

export function stackConditionParams({
  callSite,
  function: of,
  frames,
}: StackCondition): QueryParams {
  const regexes = (name: string, of: string[] = []) =>
    Object.fromEntries(of.map((regex, i) => [`${name}${i}`, regex]));
  return {
    ...(callSite && { callSite }),
    ...(of && { function: of.name }),
    ...(of?.module !== undefined && { module: of.module }),
    ...(frames && {
      includeNames: frames.includeFunctionNames,
      excludeNames: frames.excludeFunctionNames,
    }),
    ...regexes('includeRegex', frames?.includeFunctionNameRegexes),
    ...regexes('excludeRegex', frames?.excludeFunctionNameRegexes),
  };
}

/** Its regular expressions, as they were given. */
export function regexesOf({ frames }: StackCondition): string[] {
  if (!frames) return [];
  return [...frames.includeFunctionNameRegexes, ...frames.excludeFunctionNameRegexes];
}

/** A stored frame is name, module, file, line and build ID; empty ones at its end are left out. */
function withoutLine(frame: string): string {
  const fields = `splitByChar('\\x1f', toString(${frame}))`;
  const cleared = `arrayMap((field, i) -> if(i = 4, '', field), ${fields}, arrayEnumerate(${fields}))`;
  return `replaceRegexpOne(arrayStringConcat(${cleared}, '\\x1f'), '\\x1f+$', '')`;
}
