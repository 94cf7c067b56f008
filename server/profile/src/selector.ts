import { ProfileError } from './errors.ts';
import { isLabelName, toLabelName } from './label.ts';

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
const ESCAPES: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
};
const ESCAPE = /\\(?:x([\da-fA-F]{2})|([0-7]{3})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([\s\S]))/g;

/**
 * The text of a quoted literal, with Go's escapes, as PromQL has them; between backticks there are none.
 * @returns undefined if there is an escape that Go has not: `\d` of a regular expression is `\\\\d` here
 */
export function unquote(literal: string): string | undefined {
  const inner = literal.slice(1, -1);
  if (literal[0] === '`' || !inner.includes('\\')) return inner;
  const encoder = new TextEncoder();
  const bytes: number[] = [];
  let at = 0;
  for (const found of inner.matchAll(ESCAPE)) {
    const [whole, hex, octal, short, long, char] = found;
    bytes.push(...encoder.encode(inner.slice(at, found.index)));
    at = found.index + whole.length;
    const byte = hex ? Number.parseInt(hex, 16) : octal ? Number.parseInt(octal, 8) : undefined;
    const code = Number.parseInt(short ?? long ?? '', 16);
    const text = char === undefined ? undefined : ESCAPES[char];
    if (byte !== undefined && byte <= 0xff) bytes.push(byte);
    else if (code <= 0x10ffff) bytes.push(...encoder.encode(String.fromCodePoint(code)));
    else if (text !== undefined) bytes.push(...encoder.encode(text));
    else return undefined;
  }
  bytes.push(...encoder.encode(inner.slice(at)));
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/**
 * Parses `process_cpu:cpu:nanoseconds:cpu:nanoseconds{service_name="api", pod=~"api-.*"}`: the type
 * and the braces are both optional, but not at once. As in PromQL, names may be quoted, which those with
 * other characters must be, and the type may be a quoted name without an operator.
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
  const takeQuoted = (): string | undefined => {
    const start = at;
    const literal = take(STRING);
    if (literal === undefined) return undefined;
    const inner = unquote(literal);
    if (inner !== undefined) return inner;
    at = start;
    return fail('escapes as Go has them (a backslash itself is \\\\, or use `…`)');
  };

  space();
  let profileType = take(TYPE) ?? '';
  space();
  const matchers: Matcher[] = [];
  if (take(/^\{/)) {
    for (space(); !take(/^\}/); space()) {
      const quoted = takeQuoted();
      const name = quoted ?? take(NAME) ?? fail('a label name or }');
      space();
      const isType = quoted !== undefined && profileType === '' && /^[,}]/.test(text.slice(at));
      if (isType) {
        profileType = quoted;
      } else {
        const operator = (take(OPERATOR) ?? fail('=, !=, =~ or !~')) as MatchOperator;
        space();
        const value = takeQuoted() ?? fail('a quoted value');
        matchers.push({ name: toLabelName(name), operator, value });
        space();
      }
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
  const conditions = matchers.map(({ name, operator, value }) => {
    const shown = isLabelName(name) ? name : quoted(name);
    return `${shown}${operator}${quoted(value)}`;
  });
  return `${profileType}{${conditions.join(', ')}}`;
}

function quoted(text: string): string {
  const escaped = text.replace(/[\\"]/g, '\\$&');
  return `"${escaped.replace(/\n/g, '\\n').replace(/\t/g, '\\t').replace(/\r/g, '\\r')}"`;
}
