// Two functions that burn CPU in a known ratio: burn_seventy 70 %, burn_thirty 30 %.
// Usage: burn [SECONDS]
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

// The same loop in both, so that equal iterations are equal time. Not inlined, so that each is a
// frame; the volatile sink keeps the loop.
static volatile unsigned long sink;

__attribute__((noinline)) void burn_seventy(unsigned long iterations) {
  for (unsigned long i = 0; i < iterations; i++) sink += i * 3;
}

__attribute__((noinline)) void burn_thirty(unsigned long iterations) {
  for (unsigned long i = 0; i < iterations; i++) sink += i * 3;
}

int main(int argc, char **argv) {
  double seconds = argc > 1 ? atof(argv[1]) : 10;
  struct timespec now, end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += (time_t)seconds;
  do {
    burn_seventy(700000);
    burn_thirty(300000);
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while (now.tv_sec < end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
  return 0;
}
