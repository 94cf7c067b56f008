import type { Matcher } from '@bunsen/profile';

/** The condition that a label has one of these values, or with `!=` none of them. */
export function filtersOfValues(label: string, values: string[], operator: '=' | '!='): Matcher[] {
  const [value] = values;
  if (values.length === 1 && value !== undefined) return [{ name: label, operator, value }];
  const pattern = values.map((each) => each.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|');
  return [{ name: label, operator: operator === '=' ? '=~' : '!~', value: pattern }];
}
