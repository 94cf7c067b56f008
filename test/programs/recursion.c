// Walks a tree by recursion: some of its time is spent in the nodes, some in the leaves.
// Usage: recursion SECONDS (of CPU time)
#include "parts.h"

static struct part parts[] = {{"in_node", 0}, {"in_leaf", 0}};

FUNCTION void in_node(void) { spend(&parts[0], 200000); }
FUNCTION void in_leaf(void) { spend(&parts[1], 300000); }

FUNCTION void walk(int depth) {
  if (depth == 0) {
    in_leaf();
  } else {
    in_node();
    walk(depth - 1);
    walk(depth - 1);
  }
  NO_TAIL_CALL;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  while (cpu_ns() < end_ns(argv[1])) walk(4);
  report(parts, 2);
  return 0;
}
