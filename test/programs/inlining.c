// All of its parts are inlined into one function, two of them into each other. Build with -g.
// Usage: inlining SECONDS (of CPU time)
#include "parts.h"

static struct part parts[] = {{"first_inlined", 0}, {"inner_inlined", 0}};

INLINED void first_inlined(void) { spend(&parts[0], 300000); }
INLINED void inner_inlined(void) { spend(&parts[1], 500000); }
INLINED void outer_inlined(void) { inner_inlined(); }

FUNCTION void around(void) {
  first_inlined();
  outer_inlined();
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  while (cpu_ns() < end_ns(argv[1])) around();
  report(parts, 2);
  return 0;
}
