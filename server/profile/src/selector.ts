import { ProfileError } from './errors.ts';

export type MatchOperator = '=' | '!=' | '=~' | '!~';

/** One condition on a label. A series without the label matches as if it were empty. */
export interface Matcher {
  name: string;
  operator: MatchOperator;
  value: string;
}

/** A parsed query: the profile type in front of the braces (if there is one) and the matchers. */
export interface Selector {
  profileType: string;
  matchers: Matcher[];
}

const TYPE = /^[A-Za-z0-9_:./-]*/;
const NAME = /^[A-Za-z_][A-Za-z0-9_.]*/;
const OPERATOR = /^(=~|!~|!=|=)/;
const STRING = /^"(?:[^"\\]|\\.)*"|^'(?:[^'\\]|\\.)*'|^`[^`]*`/;
const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r' };

function unquote(literal: string): string {
  if (literal[0] === '`') return literal.slice(1, -1);
  return literal.slice(1, -1).replace(/\\(.)/g, (_, char: string) => ESCAPES[char] ?? char);
}

/**
 * Parses `process_cpu:cpu:nanoseconds:cpu:nanoseconds{service_name="api", pod=~"api-.*"}`: the type
 * and the braces are both optional, but not at once.
 * @throws ProfileError `SELECTOR_MALFORMED` that shows the place
 */
export function parseSelector(text: string): Selector {
  let at = 0;
  const fail = (expected: string): never => {
    throw new ProfileError(
      'SELECTOR_MALFORMED',
      `query ${JSON.stringify(text)}: expected ${expected} at position ${at}, found ${JSON.stringify(text.slice(at, at + 20) || 'the end')}`,
    );
  };
  const take = (pattern: RegExp): string | undefined => {
    const match = pattern.exec(text.slice(at))?.[0];
    if (match !== undefined) at += match.length;
    return match;
  };
  const space = () => take(/^\s*/);

  space();
  const profileType = take(TYPE) ?? '';
  space();
  const matchers: Matcher[] = [];
  if (take(/^\{/)) {
    for (space(); !take(/^\}/); space()) {
      const name = take(NAME) ?? fail('a label name or }');
      space();
      const operator = (take(OPERATOR) ?? fail('=, !=, =~ or !~')) as MatchOperator;
      space();
      const value = unquote(take(STRING) ?? fail('a quoted value'));
      matchers.push({ name, operator, value });
      space();
      if (!take(/^,/) && text[at] !== '}') fail(', or }');
    }
  } else if (profileType === '') {
    fail('a profile type or {');
  }
  space();
  if (at < text.length) fail('the end');
  return { profileType, matchers };
}

/** The text of a selector, which {@link parseSelector} reads back to the same. */
export function formatSelector({ profileType, matchers }: Selector): string {
  const conditions = matchers.map(
    ({ name, operator, value }) =>
      `${name}${operator}"${value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n').replace(/\t/g, '\\t').replace(/\r/g, '\\r')}"`,
  );
  return `${profileType}{${conditions.join(', ')}}`;
}
