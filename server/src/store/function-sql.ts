import { NO_STACK_FRAME } from '@bunsen/profile';

/** Labels that say which version of a service a series is of: the first that is there. */
export const VERSION_LABELS = ['version', 'service_version', 'service.version'] as const;

/** The version of a series by its `labels`; empty if it has none. */
export const VERSION = VERSION_LABELS.reduceRight(
  (rest, label) =>
    rest === ''
      ? `labels['${label}']`
      : `if(labels['${label}'] != '', labels['${label}'], ${rest})`,
  '',
);

/** `functionOfFrame` of @bunsen/profile: the name, and the module if there is one. */
export function functionOf(frame: string): string {
  return `extract(${frame}, '^[^\\x1f]*(?:\\x1f[^\\x1f]+)?')`;
}

/** The id of a function by its text. The view in schema/004_rollups.sql makes the same ones. */
export function functionId(text: string): string {
  return `cityHash64(${text})`;
}

/** Of what has no stack; it is not in the table `functions`, which is filled from stacks. */
export const NO_STACK_ID = functionId(`'${NO_STACK_FRAME}'`);

/** Ids of the functions of each frame of the column `frames`, root first; never empty. */
const FUNCTION_IDS = `if(empty(frames), [${NO_STACK_ID}],
  arrayMap(frame -> ${functionId(functionOf('frame'))}, frames))`;

/**
 * SELECT of (...keys, function_id, self, total): what stacks say about functions. `self` is the
 * value of the stacks that end in the function, `total` of those that have it, once however often.
 * @param stacks SELECT of (...keys, frames, v): stacks, root first, with a value each
 */
export function functionsOfStacksSql(stacks: string, keys: string[] = []): string {
  const columns = keys.map((key) => `${key}, `).join('');
  return `SELECT ${columns}function_id, if(function_id = leaf, v, 0) AS self, v AS total
    FROM (SELECT ${columns}v, ${FUNCTION_IDS} AS ids, ids[-1] AS leaf FROM (${stacks}))
    ARRAY JOIN arrayDistinct(ids) AS function_id`;
}
