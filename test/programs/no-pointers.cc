// Burns CPU in five places that frame pointers do not lead out of. Build with -O2
// -fomit-frame-pointer, without inlining.
// Usage: no-pointers PLUGIN
// It ends after 4.7 seconds of CPU time. From the first on it calls itself "settled": its files have
// been mapped for a while then.
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include <stdexcept>
#include <thread>

extern "C" {

// A step ahead of the sampler's ten milliseconds, so as not to beat with it.
__attribute__((noinline)) void burn(void) {
  volatile unsigned long sink = 0;
  for (unsigned long i = 0; i < 1'300'000; i++) sink = sink + i;
}

__attribute__((noinline)) int in_recursion(int depth) {
  volatile char frame[200];
  frame[depth] = static_cast<char>(depth);
  if (depth == 0)
    burn();
  else
    return in_recursion(depth - 1) + frame[depth];
  return frame[depth];
}

__attribute__((noinline)) void in_handler(int) {
  burn();
  asm volatile("");  // no tail call, which would take this frame away
}

// Interrupted at an instruction of its own, not at a call.
__attribute__((noinline)) void in_interrupted(void) {
  raise(SIGUSR1);
  asm volatile("");
}

__attribute__((noinline)) void in_exception(void) {
  try {
    throw std::runtime_error("thrown");
  } catch (const std::runtime_error &) {
    burn();
  }
}

// The library's own sort calls back: three files on one stack.
__attribute__((noinline)) int in_compare(const void *, const void *) {
  burn();
  return 0;
}

__attribute__((noinline)) void in_sort(void) {
  int two[] = {2, 1};
  qsort(two, 2, sizeof(int), in_compare);
  asm volatile("");
}

// Most of the time is spent on the way to strtol and back: in the PLT and in the C library.
__attribute__((noinline)) void in_plt(void) {
  volatile long sum = 0;
  for (int i = 0; i < 60'000; i++) sum = sum + strtol("7", nullptr, 10);
}

__attribute__((noinline)) void in_thread(void) {
  burn();
  asm volatile("");
}
}

static double cpu_seconds(void) {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  signal(SIGUSR1, in_handler);
  void (*in_plugin)(void (*)(void)) = nullptr;
  while (cpu_seconds() < 4.7) {
    in_recursion(30);
    in_interrupted();
    in_exception();
    in_sort();
    in_plt();
    std::thread(in_thread).join();
    // Late, so that the plugin is not among the mappings that were read first.
    if (!in_plugin && cpu_seconds() > 0.5) {
      void *plugin = dlopen(argv[1], RTLD_NOW);
      if (plugin) in_plugin = reinterpret_cast<void (*)(void (*)(void))>(dlsym(plugin, "in_plugin"));
      if (!in_plugin) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
      }
    }
    if (in_plugin) in_plugin(burn);
    if (cpu_seconds() > 1) prctl(PR_SET_NAME, "settled");
  }
  return 0;
}
