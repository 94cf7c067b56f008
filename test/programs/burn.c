// Two functions that burn CPU in a known ratio: burn_seventy 70 %, burn_thirty 30 %.
// Usage: burn [SECONDS]
#include <stdlib.h>
#include <time.h>

// The shares are of CPU time by the thread's own clock, not of iterations: equal loops differ in
// speed with where the linker puts them. A round is a millisecond, far from the ten of the sampler,
// with which it would beat.
static volatile unsigned long sink;

// Between two readings of the clock; fewer where the machine is so slow that these take a tenth of a
// millisecond.
#ifndef ITERATIONS
#define ITERATIONS 3000
#endif

static double seconds_of(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

__attribute__((noinline)) void burn_seventy(void) {
  double end = seconds_of(CLOCK_THREAD_CPUTIME_ID) + 0.0007;
  do {
    for (unsigned long i = 0; i < ITERATIONS; i++) sink += i * 3;
  } while (seconds_of(CLOCK_THREAD_CPUTIME_ID) < end);
}

__attribute__((noinline)) void burn_thirty(void) {
  double end = seconds_of(CLOCK_THREAD_CPUTIME_ID) + 0.0003;
  do {
    for (unsigned long i = 0; i < ITERATIONS; i++) sink += i * 3;
  } while (seconds_of(CLOCK_THREAD_CPUTIME_ID) < end);
}

int main(int argc, char **argv) {
  double end = seconds_of(CLOCK_MONOTONIC) + (argc > 1 ? atof(argv[1]) : 10);
  while (seconds_of(CLOCK_MONOTONIC) < end) {
    burn_seventy();
    burn_thirty();
  }
  return 0;
}
