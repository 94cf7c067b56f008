// A fixed amount of work, for paired runs: prints the CPU microseconds that it took (user + system).
// Usage: fixed-work ITERATIONS
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

// Small enough to stay in the first-level cache: what is measured is time that was taken away, and
// not the luck of a shared cache.
static unsigned char table[1 << 13];

__attribute__((noinline)) static unsigned long mix(unsigned long x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdUL;
  return x ^ (x >> 29);
}

__attribute__((noinline)) static unsigned long walk(unsigned long n) {
  unsigned long sum = 0;
  for (unsigned long i = 0; i < n; i++) sum += table[mix(i + sum) & (sizeof table - 1)]++;
  return sum;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  memset(table, 1, sizeof table);
  unsigned long sum = walk(strtoul(argv[1], NULL, 10));
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  long micros = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000L +
                usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
  printf("%ld %lu\n", micros, sum & 1);
  return 0;
}
