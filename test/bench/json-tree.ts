/** The tree that one writes first: an object per node, its children in a Map by name. */
export interface JsonNode {
  self: number;
  total: number;
  children: Map<string, JsonNode>;
}

/** A row of a merge that joined the names: as JSON gives it. */
export interface JsonStack {
  stack: string[];
  value: string;
}

export function jsonTreeOf(rows: JsonStack[]): JsonNode {
  const root: JsonNode = { self: 0, total: 0, children: new Map() };
  for (const { stack, value } of rows) {
    const number = Number(value);
    let node = root;
    node.total += number;
    for (const frame of stack) {
      let child = node.children.get(frame);
      if (!child) {
        child = { self: 0, total: 0, children: new Map() };
        node.children.set(frame, child);
      }
      child.total += number;
      node = child;
    }
    node.self += number;
  }
  return root;
}
