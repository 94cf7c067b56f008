import { formatFrame } from '@bunsen/profile';
import { fail, listOf, type ReadFile, shown } from './file-profile.ts';
import { ROOT, StackTree } from './stack-tree.ts';

/** What V8 writes: Chrome's and Node's `.cpuprofile`. Times are microseconds. */
export interface CpuProfile {
  nodes: ProfileNode[];
  startTime: number;
  endTime: number;
  /** Ids of nodes. */
  samples?: number[];
  /** From the start, or from the sample before, to each sample. */
  timeDeltas?: number[];
}

interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number };
  hitCount?: number;
  children?: number[];
}

const NS_PER_US = 1000;

/**
 * A `.cpuprofile`: the time from a sample to the next belongs to its stack.
 * @throws FileError that names the field
 */
export function readCpuProfile(file: CpuProfile): ReadFile {
  const nodes = listOf<ProfileNode>('nodes', file.nodes);
  const tree = new StackTree();
  const placeOf = placesOf(nodes, tree);
  const place = (id: unknown, where: string): number =>
    placeOf.get(id as number) ?? fail(`${where} is ${shown(id)}, which no node has as its id`);
  const timed = file.samples !== undefined && file.timeDeltas !== undefined;
  if (timed) {
    const samples = listOf<number>('samples', file.samples);
    const deltas = listOf<number>('timeDeltas', file.timeDeltas);
    if (samples.length !== deltas.length) {
      fail(`it has ${samples.length} samples and ${deltas.length} timeDeltas`);
    }
    for (const name of ['startTime', 'endTime'] as const) {
      if (!Number.isFinite(file[name])) fail(`${name} is ${shown(file[name])}, and not a number`);
    }
    let time = file.startTime;
    samples.forEach((id, i) => {
      time += deltas[i] as number;
      const lasted = i + 1 < samples.length ? (deltas[i + 1] as number) : file.endTime - time;
      if (!Number.isFinite(lasted)) fail(`timeDeltas[${i + 1}] is ${shown(deltas[i + 1])}`);
      // Clocks of two CPUs differ: V8 has steps back of some microseconds.
      tree.add(place(id, `samples[${i}]`), Math.max(0, lasted) * NS_PER_US);
    });
  } else {
    for (const { id, hitCount } of nodes) tree.add(place(id, 'id'), hitCount ?? 0);
  }
  const { stacks, values } = tree.stacks((index) => frameText(nodes[index] as ProfileNode));
  const name = timed ? 'time' : 'samples';
  return {
    format: '.cpuprofile',
    profiles: [{ name, unit: timed ? 'nanoseconds' : 'count', stacks, values, range: null }],
    warnings: [],
  };
}

/** The place of each node in the tree, by its id. V8's own root is the root. */
function placesOf(nodes: ProfileNode[], tree: StackTree): Map<number, number> {
  const indexOf = new Map(nodes.map(({ id }, index) => [id, index]));
  const places = new Map<number, number>();
  const children = new Set(nodes.flatMap((node) => node.children ?? []));
  const pending = nodes.filter(({ id }) => !children.has(id)).map((node) => ({ node, up: ROOT }));
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { node, up } = next;
    if (places.has(node.id)) fail(`node ${shown(node.id)} has two parents`);
    const isRoot = node.callFrame?.functionName === '(root)';
    const place = isRoot ? up : tree.child(up, indexOf.get(node.id) as number);
    places.set(node.id, place);
    for (const id of node.children ?? []) {
      const child = nodes[indexOf.get(id) ?? -1];
      if (!child) fail(`a child of node ${shown(node.id)} is ${shown(id)}, which is no node`);
      pending.push({ node: child as ProfileNode, up: place });
    }
  }
  return places;
}

function frameText({ callFrame }: ProfileNode): string {
  const { functionName, url = '', lineNumber } = callFrame ?? fail('a node has no callFrame');
  const name = functionName || '(anonymous)';
  const isNamed = url !== '' && !/^(data|blob):/.test(url);
  const module = isNamed ? url.replace(/[?#].*$/, '').replace(/^.*\//, '') : '';
  return formatFrame({ name, module, file: url.slice(0, 1000), line: Math.max(0, lineNumber + 1) });
}
