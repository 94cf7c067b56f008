import { readFileSync } from 'node:fs';
import { RE2JS } from 're2js';
import { parseDocument } from 'yaml';
import { ACTIONS, type Action, type RelabelRule } from './rule.ts';

/** What a rule has where its fields are not given. */
const DEFAULTS = { action: 'replace', separator: ';', regex: '(.*)', replacement: '$1' } as const;
const FIELDS = [
  'source_labels',
  'separator',
  'regex',
  'modulus',
  'target_label',
  'replacement',
  'action',
] as const;
type Field = (typeof FIELDS)[number];

/** The fields that each action reads besides `action`; others would do nothing, so they are refused. */
const FIELDS_OF: Record<Action, Field[]> = {
  replace: ['source_labels', 'separator', 'regex', 'target_label', 'replacement'],
  keep: ['source_labels', 'separator', 'regex'],
  drop: ['source_labels', 'separator', 'regex'],
  keepequal: ['source_labels', 'target_label'],
  dropequal: ['source_labels', 'target_label'],
  hashmod: ['source_labels', 'separator', 'modulus', 'target_label'],
  lowercase: ['source_labels', 'separator', 'target_label'],
  uppercase: ['source_labels', 'separator', 'target_label'],
  labelmap: ['regex', 'replacement'],
  labeldrop: ['regex'],
  labelkeep: ['regex'],
};
const NEEDED: Record<Action, Field[]> = {
  replace: ['target_label'],
  keep: [],
  drop: [],
  keepequal: ['source_labels', 'target_label'],
  dropequal: ['source_labels', 'target_label'],
  hashmod: ['modulus', 'target_label'],
  lowercase: ['target_label'],
  uppercase: ['target_label'],
  labelmap: [],
  labeldrop: ['regex'],
  labelkeep: ['regex'],
};

const LABEL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** A target or a mapped name may hold `$1` or `${name}`; the rest must be of a label's name. */
const NAME_TEMPLATE = /^(?:[A-Za-z_]|\$\w+|\$\{\w+\})(?:\w|\$\w+|\$\{\w+\})*$/;

/**
 * Reads rules from a YAML or JSON file: a list, or an object with the list as `relabel_configs`.
 * @throws Error that names the rule, the field, its value and what it must be
 */
export function readRelabelFile(file: string): RelabelRule[] {
  return parseRules(readFileSync(file, 'utf8'));
}

/** The same for the text of a file. */
export function parseRules(text: string): RelabelRule[] {
  // Every scalar is text, as it is in Prometheus' own fields: a regex 1.0 is not the number 1.
  const document = parseDocument(text, { schema: 'failsafe' });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) throw new Error(`is no YAML: ${problem.message}`);
  const content: unknown = document.toJS();
  const list = isObject(content) ? content['relabel_configs'] : content;
  if (isObject(content)) {
    const other = Object.keys(content).find((key) => key !== 'relabel_configs');
    if (other !== undefined) throw new Error(`has ${quote(other)} beside relabel_configs`);
  }
  if (!Array.isArray(list)) {
    throw new Error('must hold a list of rules, or relabel_configs with such a list');
  }
  return list.map((rule, index) => parseRule(rule, `relabel_configs[${index}]`));
}

function parseRule(rule: unknown, where: string): RelabelRule {
  if (!isObject(rule))
    throw new Error(`${where} = ${quote(rule)}: must be an object with an action`);
  const fail = (field: string, expected: string): never => {
    throw new Error(`${where}.${field} = ${quote(rule[field])}: ${expected}`);
  };
  for (const field of Object.keys(rule)) {
    if (!FIELDS.includes(field as Field)) fail(field, `no such field; there are ${list(FIELDS)}`);
  }
  const text = (field: Field, fallback: string): string => {
    const value = rule[field] ?? fallback;
    return typeof value === 'string' ? value : fail(field, 'must be text');
  };
  const action = text('action', DEFAULTS.action).toLowerCase() as Action;
  if (!ACTIONS.includes(action)) fail('action', `must be one of ${list(ACTIONS)}`);
  for (const field of Object.keys(rule) as Field[]) {
    if (field !== 'action' && !FIELDS_OF[action].includes(field)) {
      fail(field, `${action} takes ${list(FIELDS_OF[action])} alone`);
    }
  }
  for (const field of NEEDED[action]) {
    if (rule[field] === undefined)
      throw new Error(`${where}.${field} is missing: ${action} needs it`);
  }

  const sourceLabels = rule['source_labels'] ?? [];
  if (!Array.isArray(sourceLabels) || sourceLabels.some((name) => typeof name !== 'string')) {
    fail('source_labels', 'must be a list of label names');
  }
  const targetLabel = text('target_label', '');
  const isTemplate = action === 'replace' && targetLabel.includes('$');
  if (
    FIELDS_OF[action].includes('target_label') &&
    !(isTemplate ? NAME_TEMPLATE : LABEL_NAME).test(targetLabel)
  ) {
    fail('target_label', 'must be a label name: letters, digits and _, no digit first');
  }
  const replacement = text('replacement', DEFAULTS.replacement);
  if (action === 'labelmap' && !NAME_TEMPLATE.test(replacement)) {
    fail('replacement', 'must make a label name: letters, digits, _ and $1');
  }
  const modulus = text('modulus', '0');
  if (action === 'hashmod' && !/^[1-9]\d{0,18}$/.test(modulus)) {
    fail('modulus', 'must be a whole number from 1');
  }
  const pattern = text('regex', DEFAULTS.regex);
  let regex: RE2JS;
  try {
    regex = RE2JS.compile(pattern, RE2JS.DOTALL);
  } catch (error) {
    return fail('regex', `is no RE2 expression: ${(error as Error).message}`);
  }
  return {
    name: `${where} ${action}`,
    action,
    sourceLabels: sourceLabels as string[],
    separator: text('separator', DEFAULTS.separator),
    regex,
    targetLabel,
    replacement,
    modulus: BigInt(modulus),
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const quote = (value: unknown) => JSON.stringify(value) ?? 'nothing';
const list = (names: readonly string[]) => names.join(', ');
