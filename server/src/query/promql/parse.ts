import { type Matcher, type MatchOperator, unquote } from '@bunsen/profile';
import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { BunsenError } from '../../errors.ts';
import {
  AGGREGATIONS,
  ARITHMETIC,
  type Binary,
  COMPARISONS,
  type Expr,
  type Grouping,
  isComparison,
  RANGE_FUNCTIONS,
  type Selector,
  typeOf,
} from './ast.ts';
import { parseDuration, parseNumber } from './literals.ts';

/**
 * PromQL by Prometheus' own grammar, as far as it can be evaluated.
 * @throws BunsenError `PROMQL_MALFORMED` with the position, `PROMQL_UNSUPPORTED` with the construct
 */
export function parsePromql(text: string): Expr {
  return new Parser(text).parse();
}

/** @throws BunsenError also if it is another expression than a selector */
export function parseMetricSelector(text: string): Selector {
  const expr = parsePromql(text);
  if (expr.kind === 'selector') return expr;
  throw new BunsenError('PROMQL_MALFORMED', `${JSON.stringify(text)} is not a series selector`);
}

/** What is there in PromQL and not here, by the name of its node. */
const UNSUPPORTED: Record<string, string> = {
  SubqueryExpr: 'a subquery, such as [1h:5m]',
  StepInvariantExpr: 'the modifier @',
  StringLiteral: 'a string as a value',
  SmoothedExpr: 'the modifier smoothed',
  AnchoredExpr: 'the modifier anchored',
};

/** What an offset stands behind, by the grammar. */
const TAKES_OFFSET = ['VectorSelector', 'BinaryExpr', 'UnaryExpr'];

class Parser {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Expr {
    const tree = parser.parse(this.#text);
    const cursor = tree.cursor();
    do {
      if (cursor.type.isError) this.#malformed(cursor.from);
    } while (cursor.next());
    const [top] = childrenOf(tree.topNode);
    if (!top) this.#malformed(0);
    return this.#expr(top as SyntaxNode);
  }

  /** @param offsetMs of the last selector; see {@link Parser.#offset} */
  #expr(node: SyntaxNode, offsetMs?: number): Expr {
    if (offsetMs !== undefined && !TAKES_OFFSET.includes(node.name)) {
      throw this.#unsupported(node, `an offset of ${node.name}`);
    }
    switch (node.name) {
      case 'NumberDurationLiteral':
        return this.#number(node);
      case 'ParenExpr':
        return { kind: 'paren', inner: this.#expr(this.#child(node, 0)) };
      case 'UnaryExpr':
        return this.#unary(node, offsetMs);
      case 'VectorSelector':
        return { ...this.#selector(node), offsetMs: offsetMs ?? 0 };
      case 'OffsetExpr':
        return this.#offset(node);
      case 'FunctionCall':
        return this.#call(node);
      case 'AggregateExpr':
        return this.#aggregate(node);
      case 'BinaryExpr':
        return this.#binary(node, offsetMs);
      case 'MatrixSelector':
        throw this.#wrong(
          node,
          `a range such as [5m] must stand inside of a function: ${list(RANGE_FUNCTIONS)}`,
        );
      default:
        throw this.#unsupported(node, UNSUPPORTED[node.name] ?? node.name);
    }
  }

  #number(node: SyntaxNode): Expr {
    const text = this.#of(node);
    const value = parseNumber(text);
    if (Number.isFinite(value) || /^[+-]?\s*(inf|nan)$/i.test(text))
      return { kind: 'number', value };
    throw this.#wrong(node, `${text} is beyond what a number of 64 bits holds`);
  }

  #unary(node: SyntaxNode, offsetMs: number | undefined): Expr {
    const inner = this.#expr(this.#child(node, 1), offsetMs);
    if (this.#of(this.#child(node, 0)) === '+') return inner;
    return inner.kind === 'number'
      ? { kind: 'number', value: -inner.value }
      : { kind: 'negate', inner };
  }

  #selector(node: SyntaxNode): Selector {
    const selector: Selector = { kind: 'selector', name: '', matchers: [], offsetMs: 0 };
    for (const part of childrenOf(node)) {
      if (part.name === 'Identifier') {
        selector.name = this.#of(part);
        continue;
      }
      for (const matcher of childrenOf(part)) {
        if (matcher.name !== 'QuotedLabelName') {
          selector.matchers.push(this.#matcher(matcher));
        } else if (selector.name === '') {
          selector.name = this.#unquoted(matcher);
        } else {
          throw this.#wrong(matcher, 'a metric has one name');
        }
      }
    }
    if (selector.name === '' && selector.matchers.length === 0) {
      throw this.#wrong(node, 'a selector must have a metric name or a matcher');
    }
    return selector;
  }

  #matcher(node: SyntaxNode): Matcher {
    const [name, operator, value] = childrenOf(node) as [SyntaxNode, SyntaxNode, SyntaxNode];
    return {
      name: this.#labelName(name),
      operator: this.#of(operator) as MatchOperator,
      value: this.#unquoted(value),
    };
  }

  /** The grammar takes `a > b offset 5m` for `(a > b) offset 5m`, but the offset is b's. */
  #offset(node: SyntaxNode): Expr {
    return this.#expr(this.#child(node, 0), this.#offsetMs(node));
  }

  #offsetMs(node: SyntaxNode): number {
    const text = this.#of(this.#child(node, 2)).replace(/\s+/g, '');
    const sign = text.startsWith('-') ? -1 : 1;
    return sign * this.#durationMs(this.#child(node, 2), text.replace(/^[+-]/, ''));
  }

  #durationMs(node: SyntaxNode, text = this.#of(node)): number {
    const ms = parseDuration(text);
    if (ms !== undefined) return ms;
    throw this.#unsupported(node, `the duration ${JSON.stringify(this.#of(node))}`);
  }

  #call(node: SyntaxNode): Expr {
    const name = this.#of(this.#child(node, 0));
    const known = RANGE_FUNCTIONS.find((each) => each === name);
    if (!known) {
      throw this.#unsupported(node, `the function ${name}() (there are ${list(RANGE_FUNCTIONS)})`);
    }
    const args = childrenOf(this.#child(node, 1));
    let [range] = args;
    if (!range || args.length !== 1) {
      throw this.#wrong(node, `${name}() takes one argument, and has ${args.length}`);
    }
    let offsetMs = 0;
    if (range.name === 'OffsetExpr') {
      offsetMs = this.#offsetMs(range);
      range = this.#child(range, 0);
    }
    if (range.name === 'SubqueryExpr' || range.name === 'StepInvariantExpr') this.#expr(range);
    if (range.name !== 'MatrixSelector') {
      throw this.#wrong(range, `${name}() takes a selector with a range, such as x[5m]`);
    }
    const rangeMs = this.#durationMs(this.#child(range, 1));
    if (rangeMs <= 0) throw this.#wrong(range, 'a range must be longer than 0');
    const selector = { ...this.#selector(this.#child(range, 0)), offsetMs };
    return { kind: 'call', name: known, selector, rangeMs };
  }

  #aggregate(node: SyntaxNode): Expr {
    let grouping: Grouping | undefined;
    let args: SyntaxNode[] = [];
    let op = '';
    for (const part of childrenOf(node)) {
      if (part.name === 'AggregateOp') op = this.#of(part).toLowerCase();
      else if (part.name === 'AggregateModifier') grouping = this.#grouping(part);
      else args = childrenOf(part);
    }
    const name = AGGREGATIONS.find((each) => each === op);
    if (!name) {
      throw this.#unsupported(node, `the aggregation ${op} (there are ${list(AGGREGATIONS)})`);
    }
    const takesParam = name === 'topk' || name === 'bottomk';
    if (args.length !== (takesParam ? 2 : 1)) {
      throw this.#wrong(
        node,
        `${name} takes ${takesParam ? 'a number and a vector' : 'one vector'}, and has ${args.length} arguments`,
      );
    }
    const [first, last] = [args[0] as SyntaxNode, args.at(-1) as SyntaxNode];
    const param = takesParam ? this.#expr(first) : undefined;
    if (param && typeOf(param) !== 'scalar')
      throw this.#wrong(first, `${name} takes a number first`);
    const inner = this.#expr(last);
    if (typeOf(inner) !== 'vector') throw this.#wrong(last, `${name} takes a vector, not a number`);
    return { kind: 'aggregate', name, grouping, param, inner };
  }

  #grouping(node: SyntaxNode): Grouping {
    const [word, labels] = childrenOf(node) as [SyntaxNode, SyntaxNode | undefined];
    const mode = this.#of(word).toLowerCase() as Grouping['mode'];
    return { mode, labels: this.#labels(labels) };
  }

  #labels(node: SyntaxNode | undefined): string[] {
    return node ? childrenOf(node).map((label) => this.#labelName(label)) : [];
  }

  #labelName(node: SyntaxNode): string {
    return node.name === 'QuotedLabelName' ? this.#unquoted(node) : this.#of(node);
  }

  /** Of a quoted literal. */
  #unquoted(node: SyntaxNode): string {
    const literal = this.#of(node);
    const text = unquote(literal);
    if (text !== undefined) return text;
    throw this.#wrong(node, `${literal} has an escape that Go has not: a backslash itself is \\\\`);
  }

  #binary(node: SyntaxNode, offsetMs: number | undefined): Expr {
    const parts = childrenOf(node);
    const [first, op] = parts as [SyntaxNode, SyntaxNode];
    const operator = [...ARITHMETIC, ...COMPARISONS].find((each) => each === this.#of(op));
    if (!operator) throw this.#unsupported(op, `the operator ${this.#of(op)}`);
    const left = this.#expr(first);
    const right = this.#expr(parts.at(-1) as SyntaxNode, offsetMs);
    let bool = false;
    let matching: Binary['matching'];
    for (const modifier of parts.slice(2, -1)) {
      if (modifier.name === 'BoolModifier') bool = true;
      else matching = this.#matching(modifier);
    }
    const vectors = [left, right].filter((side) => typeOf(side) === 'vector').length;
    if (bool && !isComparison(operator)) throw this.#wrong(node, 'bool is for comparisons');
    if (vectors === 0 && isComparison(operator) && !bool) {
      throw this.#wrong(node, 'a comparison of two numbers needs bool');
    }
    if (vectors < 2 && matching) throw this.#wrong(node, 'on and ignoring are for two vectors');
    // The grammar reads the sign as a part of a number, but -2 ^ 2 is -(2 ^ 2).
    if (operator === '^' && first.name === 'NumberDurationLiteral' && /^-/.test(this.#of(first))) {
      const base = parseNumber(this.#of(first).slice(1));
      const power: Expr = {
        kind: 'binary',
        operator,
        left: { kind: 'number', value: base },
        right,
        bool,
        matching,
      };
      return { kind: 'negate', inner: power };
    }
    return { kind: 'binary', operator, left, right, bool, matching };
  }

  #matching(node: SyntaxNode): Binary['matching'] {
    const [word, labels, group] = childrenOf(node) as [SyntaxNode, SyntaxNode?, SyntaxNode?];
    for (const part of [labels, group]) {
      if (part && /^(GroupLeft|GroupRight|Fill)/.test(part.name)) {
        throw this.#unsupported(part, `${this.#of(part)} (vectors are matched one to one)`);
      }
    }
    const mode = this.#of(word).toLowerCase() as 'on' | 'ignoring';
    return { mode, labels: this.#labels(labels) };
  }

  #child(node: SyntaxNode, index: number): SyntaxNode {
    return childrenOf(node)[index] as SyntaxNode;
  }

  #of({ from, to }: SyntaxNode): string {
    return this.#text.slice(from, to);
  }

  #malformed(at: number): never {
    const found = JSON.stringify(this.#text.slice(at, at + 20).trim() || 'the end');
    throw new BunsenError(
      'PROMQL_MALFORMED',
      `query ${JSON.stringify(this.#text)}: unexpected ${found} at position ${at}`,
    );
  }

  #wrong({ from }: SyntaxNode, message: string): BunsenError {
    return new BunsenError(
      'PROMQL_MALFORMED',
      `query ${JSON.stringify(this.#text)}, position ${from}: ${message}`,
    );
  }

  #unsupported({ from }: SyntaxNode, what: string): BunsenError {
    return new BunsenError(
      'PROMQL_UNSUPPORTED',
      `query ${JSON.stringify(this.#text)}, position ${from}: ${what} is not supported`,
    );
  }
}

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) {
    if (child.name !== 'LineComment') children.push(child);
  }
  return children;
}

function list(names: readonly string[]): string {
  return names.join(', ');
}
