#include "perf_map.h"

#include <random>

#include "check.h"

using namespace bunsen;

namespace {

std::string nameAt(PerfMap& map, NameTable& names, uint64_t address) {
  MappingIndex jit = names.addMapping("[jit]", "", MappingKind::kJit);
  FunctionIndex function;
  if (!map.find(address, &names, jit, &function)) return "";
  return std::string(names.string(names.function(function).name));
}

}  // namespace

TEST("jit names: tiers fold together, the place stays, builtins keep their kind") {
  CHECK_EQ(simplifyJitName("LazyCompile:~parse /srv/app.js:1:2"), "parse /srv/app.js:1:2");
  CHECK_EQ(simplifyJitName("JS:*parse /srv/app.js:1:2"), "parse /srv/app.js:1:2");
  CHECK_EQ(simplifyJitName("JS:^parse file:///srv/app.mjs:1:2"), "parse file:///srv/app.mjs:1:2");
  CHECK_EQ(simplifyJitName("JS:+parse /srv/app.js:1:2"), "parse /srv/app.js:1:2");
  CHECK_EQ(simplifyJitName("Function:parse /srv/app.js:1:2"), "parse /srv/app.js:1:2");
  CHECK_EQ(simplifyJitName("JS:~ /srv/app.js:3:4"), "(anonymous) /srv/app.js:3:4");
  CHECK_EQ(simplifyJitName("Script:~ /srv/app.js:1:1"), "(script) /srv/app.js:1:1");
  CHECK_EQ(simplifyJitName("Builtin:ArrayMap"), "Builtin:ArrayMap");
  CHECK_EQ(simplifyJitName("BytecodeHandler:LdaZero"), "BytecodeHandler:LdaZero");
  CHECK_EQ(simplifyJitName("RegExp:^a+"), "RegExp:^a+");
  CHECK_EQ(simplifyJitName("Lcom/acme/Main;::run"), "Lcom/acme/Main;::run");
  CHECK_EQ(simplifyJitName("py::parse:/srv/app.py"), "py::parse:/srv/app.py");
}

TEST("perf map: ends of functions are honoured, lines may come in pieces") {
  PerfMapFigures figures;
  PerfMap map(&figures);
  NameTable names;
  map.append("1000 10 JS:~one a.js:1:1\n2000 20 JS:*tw");
  CHECK_EQ(nameAt(map, names, 0x1000), "one a.js:1:1");
  CHECK_EQ(nameAt(map, names, 0x100f), "one a.js:1:1");
  CHECK_EQ(nameAt(map, names, 0x1010), "");
  CHECK_EQ(nameAt(map, names, 0x0fff), "");
  CHECK_EQ(nameAt(map, names, 0x2000), "");
  map.append("o a.js:2:1\n0x3000 0x8 three\n");
  CHECK_EQ(nameAt(map, names, 0x2000), "two a.js:2:1");
  CHECK_EQ(nameAt(map, names, 0x3007), "three");
}

TEST("perf map: later code replaces earlier code in the same place") {
  PerfMapFigures figures;
  PerfMap map(&figures);
  NameTable names;
  map.append("1000 100 old\n");
  CHECK_EQ(nameAt(map, names, 0x1000), "old");
  map.append("1000 100 new\n1040 10 inner\n");
  CHECK_EQ(nameAt(map, names, 0x1000), "new");
  CHECK_EQ(nameAt(map, names, 0x1048), "inner");
  CHECK_EQ(nameAt(map, names, 0x1080), "new");
  map.append("1020 80 later\n");
  CHECK_EQ(nameAt(map, names, 0x1048), "later");
  CHECK_EQ(map.size(), 3u);
}

TEST("perf map: garbage is skipped") {
  PerfMapFigures figures;
  PerfMap map(&figures);
  NameTable names;
  map.append(
      std::string("\n \nxyz\n1000\n1000 \n1000 10\n1000 10 \n1000 0 empty\n1000 zz bad\n"
                  "fffffffffffffffff 1 large\n1000 fffffffff huge\n2000 1 nul\0byte\n",
                  109));
  CHECK_EQ(map.size(), 0u);
  CHECK_EQ(figures.lines_skipped, 11u);  // the last one has no end yet

  std::mt19937 random(1);
  std::string noise(100'000, '\0');
  for (char& byte : noise) byte = "0123456789abcdef x\n"[random() % 19];
  map.append(noise);
  for (int i = 0; i < 1000; i++) nameAt(map, names, random());
}
