import { type CallTree, NO_FRAME } from '@bunsen/profile';

/** Functions and who calls whom, cut to what matters most. */
export interface CallGraph {
  /** Of all samples. */
  total: number;
  /** The largest total first. A function that recurs in a stack counts it once. */
  nodes: CallGraphNode[];
  /** The largest value first. */
  edges: CallGraphEdge[];
  /** Functions that were left out. */
  droppedNodes: number;
}

export interface CallGraphNode {
  frame: string;
  self: number;
  total: number;
}

export interface CallGraphEdge {
  /** Indices into `nodes`. */
  from: number;
  to: number;
  /** Of the stacks that have this call; one in which it recurs counts once. */
  value: number;
  /** No direct call: functions in between were left out. */
  indirect: boolean;
}

/** What is smaller than these shares of the total is left out, as pprof does by default. */
const LEAST_NODE = 0.005;
const LEAST_EDGE = 0.001;

/**
 * The call graph of a tree, as `pprof` draws it: nodes are chosen by total times the entropy of their
 * calls, so that a long chain of functions that only pass on does not push out those where paths
 * part and meet. A call between functions of which one was left out leads from the next caller that
 * was kept. Direct recursion is no edge.
 */
export function callGraphOf(tree: CallTree, maxNodes: number): CallGraph {
  const total = tree.total[0] ?? 0;
  const whole = walk(tree, new Uint8Array(tree.frames.length).fill(1));
  const scores = scoresOf(whole);
  const least = Math.abs(total) * LEAST_NODE;
  const kept = tree.frames
    .map((_, frame) => frame)
    .filter((frame) => Math.abs(whole.total[frame] as number) >= least)
    .sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b)
    .slice(0, maxNodes)
    .sort((a, b) => (whole.total[b] as number) - (whole.total[a] as number) || a - b);
  const isKept = new Uint8Array(tree.frames.length);
  for (const frame of kept) isKept[frame] = 1;
  const place = new Map(kept.map((frame, at) => [frame, at]));
  const edges = walk(tree, isKept)
    .edges.filter(({ value }) => Math.abs(value) >= Math.abs(total) * LEAST_EDGE)
    .map(({ from, to, value, indirect }) => ({
      from: place.get(from) as number,
      to: place.get(to) as number,
      value,
      indirect,
    }))
    .sort((a, b) => b.value - a.value || a.from - b.from || a.to - b.to);
  return {
    total,
    nodes: kept.map((frame) => ({
      frame: tree.frames[frame] as string,
      self: whole.self[frame] as number,
      total: whole.total[frame] as number,
    })),
    edges,
    droppedNodes: tree.frames.length - kept.length,
  };
}

interface Walked {
  /** Per frame of the tree. */
  self: Float64Array;
  total: Float64Array;
  /** `from` and `to` are frames. */
  edges: (CallGraphEdge & { open: number })[];
}

/** Values of frames that are kept, and calls between them. */
function walk({ frames, frame, depth, self, total }: CallTree, isKept: Uint8Array): Walked {
  const out: Walked = {
    self: new Float64Array(frames.length),
    total: new Float64Array(frames.length),
    edges: [],
  };
  const edgeOf = new Map<number, Walked['edges'][number]>();
  const edgeBetween = (from: number, to: number) => {
    const key = from * frames.length + to;
    let edge = edgeOf.get(key);
    if (!edge) {
      edge = { from, to, value: 0, indirect: true, open: 0 };
      edgeOf.set(key, edge);
      out.edges.push(edge);
    }
    return edge;
  };
  // The path to the node, by depth: its kept frame, the edge that led there, the nearest kept frame.
  const frameAt = [NO_FRAME];
  const edgeAt: (Walked['edges'][number] | undefined)[] = [undefined];
  const nearestAt = [NO_FRAME];
  const occurrences = new Uint32Array(frames.length);
  for (let node = 1; node < depth.length; node++) {
    const at = depth[node] as number;
    while (frameAt.length > at) {
      const left = frameAt.pop() as number;
      if (left !== NO_FRAME) occurrences[left] = (occurrences[left] as number) - 1;
      const edge = edgeAt.pop();
      if (edge) edge.open--;
      nearestAt.pop();
    }
    const to = frame[node] as number;
    const from = nearestAt[at - 1] as number;
    if (isKept[to] === 0) {
      frameAt.push(NO_FRAME);
      edgeAt.push(undefined);
      nearestAt.push(from);
      continue;
    }
    out.self[to] = (out.self[to] as number) + (self[node] as number);
    if (occurrences[to] === 0) out.total[to] = (out.total[to] as number) + (total[node] as number);
    occurrences[to] = (occurrences[to] as number) + 1;
    let edge: Walked['edges'][number] | undefined;
    if (from !== NO_FRAME && from !== to) {
      edge = edgeBetween(from, to);
      if (edge.open++ === 0) edge.value += total[node] as number;
      if (frameAt[at - 1] === from) edge.indirect = false;
    }
    frameAt.push(to);
    edgeAt.push(edge);
    nearestAt.push(to);
  }
  return out;
}

/** Per frame: its total times the entropy of the calls to it and of what it does, plus its self. */
function scoresOf({ self, total, edges }: Walked): Float64Array {
  const incoming: number[][] = Array.from(self, () => []);
  const outgoing = Array.from(self, (value) => (value === 0 ? [] : [value]));
  const calls = new Uint8Array(self.length);
  for (const { from, to, value } of edges) {
    incoming[to]?.push(value);
    outgoing[from]?.push(value);
    calls[from] = 1;
  }
  return total.map((value, frame) => {
    const above = incoming[frame] as number[];
    const ins = above.length === 0 ? 1 : entropy(above);
    const outs = calls[frame] === 0 ? 1 : entropy(outgoing[frame] as number[]);
    return Math.abs(value) * (ins + outs) + Math.abs(self[frame] as number);
  });
}

function entropy(values: number[]): number {
  const sum = values.reduce((all, value) => all + Math.abs(value), 0);
  return values.reduce((bits, value) => {
    const share = Math.abs(value) / sum;
    return share > 0 ? bits - share * Math.log2(share) : bits;
  }, 0);
}
