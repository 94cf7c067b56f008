// Parts of a program, with the CPU time that each took by the thread's own clock: what a profile of
// it has to show.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

// A function as it stands there: not inlined, cloned, or taken for another's tail.
#define FUNCTION __attribute__((noipa))
#define INLINED static inline __attribute__((always_inline))
// What comes before it is no tail call.
#define NO_TAIL_CALL asm volatile("")

struct part {
  const char *name;
  uint64_t spent_ns;
};

FUNCTION static uint64_t cpu_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// Half of the mean to one and a half, so that the program beats with no sampler.
INLINED uint64_t random_ns(uint64_t mean_ns) {
  static uint64_t state = 1;
  state = state * 6364136223846793005 + 1442695040888963407;
  return mean_ns / 2 + (state >> 33) % (mean_ns + 1);
}

// Takes about so much CPU time, in the function that it stands in.
INLINED void spend(struct part *part, uint64_t mean_ns) {
  static volatile uint64_t sink;
  uint64_t start = cpu_ns();
  uint64_t end = start + random_ns(mean_ns);
  uint64_t now = start;
  while (now < end) {
    for (int i = 0; i < 3000; i++) sink = sink + (uint64_t)i;
    now = cpu_ns();
  }
  part->spent_ns += now - start;
}

// Prints the thread's CPU time so far and that of the parts, as one line of JSON.
INLINED void report(const struct part *parts, int count) {
  printf("{\"total\": %llu", (unsigned long long)cpu_ns());
  for (int i = 0; i < count; i++)
    printf(", \"%s\": %llu", parts[i].name, (unsigned long long)parts[i].spent_ns);
  printf("}\n");
}

// Returns the CPU time after which the program is to end, from its seconds on the command line.
INLINED uint64_t end_ns(const char *seconds) { return (uint64_t)(atof(seconds) * 1e9); }
