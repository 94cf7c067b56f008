// Functions that end with a call, which compilers make a jump: the callee takes the caller's frame,
// and nothing on the stack says any more that the caller was there. Build with -O2.
// Usage: tail-calls SECONDS (of CPU time)
#include "parts.h"

static struct part parts[] = {{"reached_by_one", 0}, {"reached_by_two", 0}};

FUNCTION void reached_by_one(void) {
  spend(&parts[0], 350000);
  NO_TAIL_CALL;
}
FUNCTION void reached_by_two(void) {
  spend(&parts[1], 650000);
  NO_TAIL_CALL;
}

FUNCTION void jumps_once(void) { reached_by_one(); }
FUNCTION void jumps_on(void) { reached_by_two(); }
FUNCTION void jumps_twice(void) { jumps_on(); }

FUNCTION void calls(void) {
  jumps_once();
  jumps_twice();
  NO_TAIL_CALL;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  while (cpu_ns() < end_ns(argv[1])) calls();
  report(parts, 2);
  return 0;
}
