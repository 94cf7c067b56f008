// Burns some CPU time in every second, below a stack of some depth, until it is killed.
// Usage: steady MILLISECONDS_A_SECOND DEPTH
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned long sink;

static double cpu_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

__attribute__((noinline)) static void work(double until) {
  while (cpu_seconds() < until)
    for (unsigned long i = 0; i < 3000; i++) sink += i * 3;
}

__attribute__((noinline)) static void descend(int depth, double until) {
  if (depth > 0)
    descend(depth - 1, until);
  else
    work(until);
  sink++; // so that the call above is no tail call, which would leave no frame
}

int main(int argc, char **argv) {
  double seconds = (argc > 1 ? atof(argv[1]) : 10) / 1000;
  int depth = argc > 2 ? atoi(argv[2]) : 10;
  for (;;) {
    descend(depth, cpu_seconds() + seconds);
    sleep(1);
  }
}
