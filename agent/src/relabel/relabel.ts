import { createHash } from 'node:crypto';
import type { Labels } from '@bunsen/profile';
import type { Matcher } from 're2js';
import type { RelabelRule } from './rule.ts';

const LABEL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Applies the rules in their order, as Prometheus does: a label that is not there is empty, and one
 * that becomes empty is gone.
 * @param labels are changed
 * @returns the rule that drops the series, or undefined if it is kept
 */
export function relabel(labels: Labels, rules: readonly RelabelRule[]): RelabelRule | undefined {
  for (const rule of rules) if (!apply(rule, labels)) return rule;
  return undefined;
}

/** @returns whether the series is kept */
function apply(rule: RelabelRule, labels: Labels): boolean {
  const { action, regex, targetLabel, replacement } = rule;
  const value = rule.sourceLabels.map((name) => labels[name] ?? '').join(rule.separator);
  const removeNames = (matching: boolean) => {
    for (const name of Object.keys(labels)) {
      if (regex.matches(name) === matching) delete labels[name];
    }
    return true;
  };
  switch (action) {
    case 'keep':
      return regex.matches(value);
    case 'drop':
      return !regex.matches(value);
    case 'keepequal':
      return (labels[targetLabel] ?? '') === value;
    case 'dropequal':
      return (labels[targetLabel] ?? '') !== value;
    case 'replace': {
      const match = regex.matcher(value);
      if (!match.matches()) return true;
      const target = expand(targetLabel, match);
      if (LABEL_NAME.test(target)) set(labels, target, expand(replacement, match));
      return true;
    }
    case 'hashmod':
      set(labels, targetLabel, String(hash(value) % rule.modulus));
      return true;
    case 'lowercase':
      set(labels, targetLabel, value.toLowerCase());
      return true;
    case 'uppercase':
      set(labels, targetLabel, value.toUpperCase());
      return true;
    case 'labelmap':
      for (const [name, found] of Object.entries(labels)) {
        const match = regex.matcher(name);
        if (!match.matches()) continue;
        const target = expand(replacement, match);
        if (LABEL_NAME.test(target)) set(labels, target, found);
      }
      return true;
    case 'labeldrop':
      return removeNames(true);
    case 'labelkeep':
      return removeNames(false);
  }
}

function set(labels: Labels, name: string, value: string): void {
  if (value === '') delete labels[name];
  // Assigning to `__proto__` would not make a label of it.
  else if (name !== '__proto__') labels[name] = value;
}

/** The last 8 bytes of the MD5 sum: what Prometheus spreads by, so that shards agree with its own. */
function hash(value: string): bigint {
  return createHash('md5').update(value).digest().readBigUInt64BE(8);
}

/**
 * Go's templates: `$1`, `${1}`, `$name`, `${name}`, `$$`. A name is as long as it can be, so `$1x`
 * is the group `1x`; a group that is not there is empty.
 */
function expand(template: string, match: Matcher): string {
  return template.replace(
    /\$(?:\$|(\w+)|\{(\w+)\})/g,
    (_, plain: string | undefined, braced: string | undefined) => {
      const name = plain ?? braced;
      return name === undefined ? '$' : groupOf(match, name);
    },
  );
}

function groupOf(match: Matcher, name: string): string {
  if (!/^\d+$/.test(name))
    return Object.hasOwn(match.namedGroups, name) ? (match.group(name) ?? '') : '';
  return Number(name) <= match.groupCount() ? (match.group(Number(name)) ?? '') : '';
}
