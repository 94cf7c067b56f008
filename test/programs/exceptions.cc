// Throws through several frames: time is spent on the way, in a destructor that runs meanwhile, and
// where the exception is caught.
// Usage: exceptions SECONDS (of CPU time)
#include <stdexcept>

#include "parts.h"

static part parts[] = {{"throws", 0}, {"in_destructor", 0}, {"in_catch", 0}};
static uint64_t thrown_at;
// An exception takes some 20 microseconds: the other parts come with one of so many.
static const int kThrown = 16;
static int thrown;

extern "C" {

FUNCTION void in_destructor(void) { spend(&parts[1], 300000); }
FUNCTION void in_catch(void) { spend(&parts[2], 400000); }

struct Guard {
  ~Guard() {
    if (thrown % kThrown == 0) in_destructor();
  }
};

FUNCTION void throws(int depth) {
  if (depth == 0) {
    thrown_at = cpu_ns();
    throw std::runtime_error("thrown");
  }
  if (depth == 20) {
    Guard guard;
    throws(depth - 1);
  } else {
    throws(depth - 1);
  }
  NO_TAIL_CALL;
}

FUNCTION void catches(void) {
  uint64_t in_destructor_before = parts[1].spent_ns;
  try {
    throws(40);
  } catch (const std::runtime_error &) {
    parts[0].spent_ns += cpu_ns() - thrown_at - (parts[1].spent_ns - in_destructor_before);
    if (thrown++ % kThrown == 0) in_catch();
  }
}
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  while (cpu_ns() < end_ns(argv[1])) catches();
  report(parts, 3);
  return 0;
}
