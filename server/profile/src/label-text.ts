/** Parameters and result of a Java method, as the JVM writes them. */
const JVM_DESCRIPTOR = /\(\S*\)\[*([BCDFIJSZV]|L[^;]+;)$/;
const OPERATOR = /^operator(\(\)|\[\]|<=>|->\*?|<<=?|>>=?|[<>]=?)?/;
const SCRIPT = /^(\S+) (?:file:\/\/)?\/\S*\/([^/\s]+)$/;
/** Ends of what template arguments or parameters may follow. */
const CALLEE_END = /[\w>\]}]$/;

/**
 * A function's name without what tells overloads and instances apart, since that is most of a C++ or
 * Rust name and the least of what a reader looks for: template arguments, parameters, the return
 * type, trailing qualifiers; of a script, its folder. Go's receivers stay. A name that this does not
 * understand is returned as it is.
 */
export function shortName(name: string): string {
  const script = SCRIPT.exec(name);
  if (script) return `${script[1]} ${script[2]}`;
  if (JVM_DESCRIPTOR.test(name)) return name.replace(JVM_DESCRIPTOR, '');
  if (!/[<(]/.test(name)) return name;
  const text = withoutRustType(name.replaceAll('(anonymous namespace)', '{anonymous}'));
  let short = '';
  let templated = false;
  let afterOperator = false;
  for (let at = 0; at < text.length; ) {
    const operator =
      text[at] === 'o' && !/\w$/.test(short) && OPERATOR.exec(text.slice(at, at + 12));
    if (operator) {
      short += operator[0];
      at += operator[0].length;
      // `operator<< <char>`: the blank only keeps it from being read as `<<<`.
      if (text.startsWith(' <', at)) at++;
      afterOperator = true;
      continue;
    }
    const char = text[at] as string;
    if ((char === '<' || char === '(') && (afterOperator || CALLEE_END.test(short))) {
      const end = closingBracket(text, at);
      if (end < 0) return name;
      templated ||= char === '<';
      at = end + 1;
      continue;
    }
    short += char;
    afterOperator = false;
    at++;
  }
  short = short
    .replace(/\[(abi:|clone )[^\]]*\]/g, '')
    .replace(/(\s*(const|volatile|&+))*\s*$/, '');
  // Only instances of templates are written with their return type.
  const space = templated && !short.includes('operator') ? short.lastIndexOf(' ') : -1;
  return short.slice(space + 1) || name;
}

/** `<alloc::vec::Vec<T> as core::iter::Extend<T>>::extend` is `alloc::vec::Vec<T>::extend`. */
function withoutRustType(name: string): string {
  if (name[0] !== '<') return name;
  const end = closingBracket(name, 0);
  if (end < 0) return name;
  const type = name.slice(1, end);
  const as = type.indexOf(' as ');
  return `${as < 0 ? type : type.slice(0, as)}${name.slice(end + 1)}`;
}

/** Index of the bracket that closes the one at `open`, or -1. `->` closes nothing. */
function closingBracket(text: string, open: number): number {
  const opening = text[open];
  const closing = opening === '<' ? '>' : ')';
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === opening) depth++;
    else if (text[at] === closing && !(closing === '>' && text[at - 1] === '-')) {
      depth--;
      if (depth === 0) return at;
    }
  }
  return -1;
}

/**
 * The most telling form of a name in at most `columns` characters: all of it, or the short name, or
 * that without its leading scopes, or what fits of its last part. Empty below 3 columns.
 * @param short `shortName(name)`, which the caller keeps
 */
export function fitLabel(name: string, short: string, columns: number): string {
  if (columns < 3) return '';
  if (name.length <= columns) return name;
  if (short.length <= columns) return short;
  const space = short.indexOf(' ');
  const scopes = space < 0 ? short : short.slice(0, space);
  let last = 0;
  for (const { index, 0: separator } of scopes.matchAll(/::|\//g)) {
    const from = index + separator.length;
    if (from >= short.length) break;
    if (short.length - from + 1 <= columns) return `…${short.slice(from)}`;
    last = from;
  }
  return `${withoutHalfPair(short.slice(last, last + columns - 1))}…`;
}

/** A cut must not leave half of a surrogate pair. */
function withoutHalfPair(text: string): string {
  return /[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text;
}
