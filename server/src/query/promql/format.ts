import { type Expr, type Selector, unwrapped } from './ast.ts';
import { formatDuration, formatNumber } from './literals.ts';

const METRIC_NAME = /^[A-Za-z_:][A-Za-z0-9_:]*$/;
const LABEL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** An expression in one line, in the form that Prometheus gives it. */
export function formatPromql(expr: Expr): string {
  switch (expr.kind) {
    case 'number':
      return formatNumber(expr.value);
    case 'paren':
      return `(${formatPromql(expr.inner)})`;
    case 'negate':
      return `-${formatPromql(expr.inner)}`;
    case 'selector':
      return formatSelector(expr);
    case 'call':
      return `${expr.name}(${formatSelector(expr.selector, `[${formatDuration(expr.rangeMs)}]`)})`;
    case 'aggregate': {
      const { name, grouping, param, inner } = expr;
      const groups = grouping
        ? ` ${grouping.mode} (${grouping.labels.map(label).join(', ')}) `
        : '';
      const args = [...(param ? [param] : []), unwrapped(inner)].map(formatPromql);
      return `${name}${groups}(${args.join(', ')})`;
    }
    case 'binary': {
      const { operator, left, right, bool, matching } = expr;
      const words = [formatPromql(left), operator];
      if (bool) words.push('bool');
      if (matching) words.push(`${matching.mode} (${matching.labels.map(label).join(', ')})`);
      return [...words, formatPromql(right)].join(' ');
    }
  }
}

function formatSelector({ name, matchers, offsetMs }: Selector, range = ''): string {
  const conditions = matchers.map(
    (matcher) => `${label(matcher.name)}${matcher.operator}${JSON.stringify(matcher.value)}`,
  );
  const plain = METRIC_NAME.test(name);
  if (name !== '' && !plain) conditions.unshift(JSON.stringify(name));
  const braces = conditions.length > 0 ? `{${conditions.join(',')}}` : '';
  const sign = offsetMs < 0 ? '-' : '';
  const offset = offsetMs === 0 ? '' : ` offset ${sign}${formatDuration(Math.abs(offsetMs))}`;
  return `${plain ? name : ''}${braces}${range}${offset}`;
}

function label(name: string): string {
  return LABEL_NAME.test(name) ? name : JSON.stringify(name);
}
