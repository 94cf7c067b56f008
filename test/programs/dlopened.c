// Works by itself, in a plugin that it loads when it already runs, and where that calls it back.
// Usage: dlopened SECONDS PLUGIN (of CPU time)
#include <dlfcn.h>

#include "parts.h"

static struct part parts[] = {{"in_host", 0}, {"in_callback", 0}, {"own_work", 0}};

FUNCTION void in_host(void) { spend(&parts[0], 250000); }
FUNCTION void in_callback(void) { spend(&parts[1], 350000); }

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  // A second without it, so that its mapping is none of those that are known first.
  while (cpu_ns() < 1000000000) in_host();
  void *plugin = dlopen(argv[2], RTLD_NOW);
  void (*in_plugin)(struct part *, void (*)(void)) = NULL;
  if (plugin) *(void **)&in_plugin = dlsym(plugin, "in_plugin");
  if (!in_plugin) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  while (cpu_ns() < end_ns(argv[1])) {
    in_host();
    in_plugin(&parts[2], in_callback);
  }
  report(parts, 3);
  return 0;
}
