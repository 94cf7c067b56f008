// A perf map that comes in two pieces, and kallsyms and maps, which are lines, too.
#include "perf_map.h"

#include "fuzz.h"
#include "kernel_symbols.h"
#include "mappings.h"

using namespace bunsen;
using namespace bunsen::fuzz;

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::string_view text = textOf(bytes, size);
  NameTable names;
  MappingIndex jit = names.addMapping("[jit]", "", MappingKind::kJit);
  PerfMapFigures figures;
  PerfMap map(&figures);
  map.append(text.substr(0, size / 2));
  FunctionIndex function;
  map.find(0x1000, &names, jit, &function);
  map.append(text.substr(size / 2));
  for (uint64_t address : {0x1000ull, 0x7f0000001234ull, ~0ull})
    if (map.find(address, &names, jit, &function)) require(function < names.functionCount());
  KernelSymbols kernel(&names);
  kernel.append(text.substr(0, size / 2));
  kernel.append(text.substr(size / 2));
  kernel.finish();
  for (const Mapping& mapping : parseMappings(text)) require(mapping.start < mapping.end);
  return 0;
}
