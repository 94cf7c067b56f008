import { AgentError } from '../errors.ts';
import { whyNoMetaLabel } from '../label/meta-labels.ts';
import type { RelabelRule } from './rule.ts';

/**
 * The rules of a file, none if there is no file: then neither YAML nor RE2 is loaded, which are some
 * megabytes.
 * @param variables those of the environment that are read
 * @throws AgentError `CONFIG_INVALID` that names the file, the rule, the field and its value
 */
export async function loadRules(
  file: string | undefined,
  variables: readonly string[],
): Promise<RelabelRule[]> {
  if (file === undefined) return [];
  const refuse = (reason: string, cause?: unknown) => {
    const message = `BUNSEN_RELABEL_FILE=${JSON.stringify(file)}: ${reason}`;
    return new AgentError('CONFIG_INVALID', message, { cause });
  };
  const { readRelabelFile } = await import('./relabel-file.ts');
  let rules: RelabelRule[];
  try {
    rules = readRelabelFile(file);
  } catch (error) {
    throw refuse((error as Error).message, error);
  }
  // A rule over a label that will never be there would silently keep or drop everything.
  for (const { name, sourceLabels } of rules) {
    for (const label of sourceLabels) {
      const why = whyNoMetaLabel(label, variables);
      if (why) throw refuse(`${name}: source_labels: ${label} ${why}`);
    }
  }
  return rules;
}
