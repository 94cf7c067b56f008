// Runs code in memory that no file stands behind, as JIT runtimes do.
// Usage: jitted SECONDS [NAME] (any bytes, for the thread's name)
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

// Where the linker has put the section of that name.
extern char __start_jitted_code[], __stop_jitted_code[];

__attribute__((section("jitted_code"), noinline)) void spin(volatile long *sink) {
  for (long i = 0; i < 1000000; i++) *sink += i;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  if (argc > 2) prctl(PR_SET_NAME, argv[2]);
  size_t bytes = (size_t)(__stop_jitted_code - __start_jitted_code);
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  memcpy(memory, __start_jitted_code, bytes);
  void (*jitted)(volatile long *);
  *(void **)&jitted = memory;
  volatile long sink = 0;
  for (time_t end = time(NULL) + atoi(argv[1]); time(NULL) < end;) jitted(&sink);
  return 0;
}
