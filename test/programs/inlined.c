// Spends its time in functions that were inlined. Build with -O2 -g.
// It ends after as many seconds of CPU time as its argument says.
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

static inline __attribute__((always_inline)) uint64_t mix(uint64_t x) {
  x ^= x << 13;
  x ^= x >> 7;
  return x ^ x << 17;
}

static inline __attribute__((always_inline)) uint64_t mix_twice(uint64_t x) {
  uint64_t once = mix(x);
  return mix(once);
}

__attribute__((noinline)) uint64_t outer(uint64_t rounds) {
  uint64_t sum = 1;
  for (uint64_t i = 0; i < rounds; i++) sum += mix_twice(sum + i);
  return sum;
}

int main(int argc, char **argv) {
  clock_t until = argc > 1 ? atoi(argv[1]) * CLOCKS_PER_SEC : 0;
  uint64_t sum = 0;
  while (clock() < until) sum += outer(1000000);
  return sum == 1;
}
