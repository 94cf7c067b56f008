import { type CallTree, NO_FRAME, nameOfFrame } from '@bunsen/profile';

/** A call tree in the natural form of another viewer, as the parts of a JSON text. */
export type ViewerFormat = (tree: CallTree) => string[];

/** Nested objects, as d3-flame-graph reads them. */
export function nestedJson(tree: CallTree): string[] {
  const { depth, total } = tree;
  const names = frameNames(tree);
  const parts: string[] = [];
  for (let node = 0; node < depth.length; node++) {
    const level = depth[node] as number;
    const before = node === 0 ? -1 : (depth[node - 1] as number);
    if (node > 0) parts.push(level > before ? '' : `${']}'.repeat(before - level + 1)},`);
    parts.push(`{"name":${JSON.stringify(names(node))},"value":${total[node]},"children":[`);
  }
  parts.push(']}'.repeat((depth.at(-1) ?? 0) + 1));
  return parts;
}

/** Columns in preorder, of which Grafana's data frame is made. */
export function columnJson(tree: CallTree): string[] {
  const label = Array.from(tree.frame, (frame) => (frame === NO_FRAME ? 0 : frame + 1));
  const columns = {
    names: ['total', ...tree.frames.map(nameOfFrame)],
    label,
    level: [...tree.depth],
    value: [...tree.total],
    self: [...tree.self],
  };
  return [JSON.stringify(columns)];
}

/** Speedscope's own format: a sample for each stack that has a value of its own. */
export function speedscopeJson(tree: CallTree): string[] {
  const { frames, frame, depth, self } = tree;
  const stack: number[] = [];
  const samples: string[] = [];
  const weights: number[] = [];
  for (let node = 1; node < depth.length; node++) {
    stack.length = (depth[node] as number) - 1;
    stack.push(frame[node] as number);
    if (self[node] === 0) continue;
    samples.push(`[${stack}]`);
    weights.push(self[node] as number);
  }
  const endValue = weights.reduce((sum, weight) => sum + weight, 0);
  const shared = { frames: frames.map((text) => ({ name: nameOfFrame(text) })) };
  return [
    `{"$schema":"https://www.speedscope.app/file-format-schema.json","shared":${JSON.stringify(shared)}`,
    `,"profiles":[{"type":"sampled","name":"bench","unit":"nanoseconds","startValue":0`,
    `,"endValue":${endValue},"weights":[${weights}],"samples":[`,
    samples.join(),
    ']}]}',
  ];
}

function frameNames({ frames, frame }: CallTree): (node: number) => string {
  const names = frames.map(nameOfFrame);
  return (node) => (frame[node] === NO_FRAME ? 'total' : (names[frame[node] as number] as string));
}
