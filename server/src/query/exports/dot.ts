import { type CallTree, formatShare, formatValue, parseFrame, shortName } from '@bunsen/profile';
import { type CallGraphEdge, type CallGraphNode, callGraphOf } from './call-graph.ts';
import type { ExportSubject } from './export-form.ts';

const LEAST_FONT = 8;
const MOST_FONT = 24;

/**
 * The call graph of a tree in Graphviz's language, as `pprof -dot` draws it: a box a function with
 * its self and total, the larger the more self; an arrow a call with its value; dotted where
 * functions in between were left out.
 * @param maxNodes functions at most
 */
export function* callGraphDot(
  tree: CallTree,
  { query, profileType, range, warnings }: ExportSubject,
  maxNodes: number,
): Generator<string> {
  const { total, nodes, edges, droppedNodes } = callGraphOf(tree, maxNodes);
  const text = (value: number) => formatValue(value, profileType.sampleUnit);
  const share = (value: number) => (total === 0 ? 0 : value / total);
  const shown = nodes.reduce((sum, { self }) => sum + self, 0);
  const legend = [
    query,
    `Type: ${profileType.sampleType}`,
    `Time: ${new Date(range.fromMs).toISOString()}`,
    `Duration: ${formatValue((range.untilMs - range.fromMs) * 1e6, 'nanoseconds')}`,
    `Showing nodes accounting for ${text(shown)}, ${formatShare(share(shown))} of ${text(total)} total`,
    ...(droppedNodes > 0 ? [`Left out ${droppedNodes} smaller functions`] : []),
    ...warnings,
  ];
  yield `digraph ${quoted(query)} {\n`;
  yield 'node [style=filled fillcolor="#f8f8f8" fontname="Helvetica"]\n';
  yield 'edge [fontname="Helvetica"]\n';
  // `\l` sets a line to the left.
  const label = legend.map((line) => `${escaped(line)}\\l`).join('');
  yield `subgraph cluster_L { legend [shape=box fontsize=16 label="${label}"] }\n`;
  const mostSelf = Math.max(1, ...nodes.map(({ self }) => Math.abs(self)));
  for (const [index, node] of nodes.entries()) yield nodeLine(index, node);
  for (const edge of edges) yield edgeLine(edge);
  yield '}\n';

  function nodeLine(index: number, { frame, self, total }: CallGraphNode): string {
    const { name, module } = parseFrame(frame);
    const of = (value: number) => `${text(value)} (${formatShare(share(value))})`;
    const values = self === total ? [of(self)] : [self === 0 ? '0' : of(self), `of ${of(total)}`];
    const size = LEAST_FONT + (MOST_FONT - LEAST_FONT) * Math.sqrt(Math.abs(self) / mostSelf);
    const tooltip = `${name}${module === '' ? '' : ` (${module})`}: ${text(total)}`;
    const { line, fill } = colours(share(total));
    return `N${index + 1} [label="${[shortName(name), ...values].map(escaped).join('\\n')}" id="node${index + 1}" fontsize=${Math.ceil(size)} shape=box tooltip=${quoted(tooltip)} color="${line}" fillcolor="${fill}"]\n`;
  }

  function edgeLine({ from, to, value, indirect }: CallGraphEdge): string {
    const part = Math.abs(share(value));
    const names = [from, to].map((node) => parseFrame(nodes[node]?.frame as string).name);
    const tooltip = quoted(`${names.join(indirect ? ' … ' : ' -> ')} (${text(value)})`);
    const width = part > 0.2 ? ` penwidth=${Math.ceil(part * 5)}` : '';
    const style = indirect ? ' style=dotted' : '';
    return `N${from + 1} -> N${to + 1} [label=${quoted(` ${text(value)}`)} weight=${Math.ceil(part * 100)}${width} color="${colours(part).line}"${style} tooltip=${tooltip} labeltooltip=${tooltip}]\n`;
  }
}

/** Grey for what is small, red for what is most of the total: hue, saturation and value. */
function colours(share: number): { line: string; fill: string } {
  const part = Math.min(1, Math.abs(share));
  return {
    line: `0.0 ${(0.15 + 0.85 * Math.sqrt(part)).toFixed(3)} 0.700`,
    fill: `0.0 ${(0.01 + 0.1 * Math.sqrt(part)).toFixed(3)} 0.930`,
  };
}

function quoted(text: string): string {
  return `"${escaped(text)}"`;
}

/** Inside of a quoted string; a backslash begins one of Graphviz's own escapes. */
function escaped(text: string): string {
  return text.replace(/[\\"]/g, '\\$&').replace(/\s/g, ' ');
}
