#include "known_code.h"

#include <map>
#include <random>

#include "built_program.h"
#include "elf_image.h"

using namespace bunsen;
using namespace bunsen::test;

namespace {

// Symbols by address: of nm's lines, or of the headings in objdump's disassembly.
std::map<std::string, uint64_t> symbolsOf(const std::string& path) {
  std::map<std::string, uint64_t> symbols;
  for (const std::string& line : linesOf("nm " + path)) {
    size_t name = line.rfind(' ');
    symbols[line.substr(name + 1)] = strtoull(line.c_str(), nullptr, 16);
  }
  return symbols;
}

}  // namespace

TEST("known code: every entry of a PLT is named as objdump names it") {
  BuiltProgram built(
      "#include <stdlib.h>\n"
      "int main(int n, char **a) { atexit((void (*)(void))abort);"
      " return strtol(a[0], a, n) + rand(); }");
  // As distributions build, and with lazy binding, and with the tables of Intel's CET.
  built.run("gcc -O1 -o %d/now -Wl,-z,now %d/program.c");
  built.run("gcc -O1 -o %d/lazy -Wl,-z,lazy -no-pie %d/program.c");
  built.run("gcc -O1 -o %d/cet -fcf-protection -Wl,-z,ibtplt %d/program.c");
  size_t checked = 0;
  for (const std::string& path :
       {built.folder() + "/now", built.folder() + "/lazy", built.folder() + "/cet",
        std::string("/bin/bash"), std::string("/lib/x86_64-linux-gnu/libc.so.6"),
        std::string("/usr/lib/x86_64-linux-gnu/libstdc++.so.6")}) {
    std::shared_ptr<const ElfFile> file = openElf(path);
    if (!file) {
      std::cout << "      " << path << " is NOT HERE, its PLT was not checked\n";
      continue;
    }
    std::vector<ElfRange> tables = findPltTables(*file);
    size_t stubs = 0, wrong = 0;
    for (const std::string& line : linesOf("objdump -d " + path)) {
      size_t open = line.find('<');
      size_t end = line.find("@plt>:");
      if (end == line.npos || open == line.npos || line.find("*ABS*") != line.npos) continue;
      std::string symbol = line.substr(open + 1, end - open - 1);
      symbol = symbol.substr(0, symbol.find('@'));
      uint64_t start = strtoull(line.c_str(), nullptr, 16);
      for (uint64_t inside : {0, 3, 7}) {
        std::optional<PltStub> stub = pltStubAt(*file, tables, start + inside);
        bool is_right = stub && stub->symbol == symbol && stub->start == start;
        if (!is_right && wrong++ < 5)
          std::cerr << path << ": " << line << " is " << (stub ? stub->symbol : "nothing") << "\n";
      }
      stubs++;
    }
    CHECK_EQ(wrong, 0u);
    checked += stubs;
    std::cout << "      " << path << ": " << stubs << " entries\n";
  }
  CHECK(checked > 300);
}

TEST("known code: _start and main of a program that is stripped") {
  BuiltProgram built(
      "#include <stdio.h>\n"
      "int main(int n, char **a) { return puts(a[0]) + n; }");
  for (const char* flags : {"", "-no-pie", "-fcf-protection"}) {
    built.run(std::string("gcc -O1 ") + flags + " -o %d/program %d/program.c");
    std::map<std::string, uint64_t> symbols = symbolsOf(built.program());
    built.run("strip %d/program");
    std::optional<EntryCode> entry = findEntryCode(*openElf(built.program()));
    CHECK(entry.has_value());
    CHECK_EQ(entry->start, symbols["_start"]);
    CHECK_EQ(entry->main, symbols["main"]);
  }
}

TEST("known code: what does not begin with _start has no main") {
  BuiltProgram built(
      "int main(void); __attribute__((noreturn)) void begin(void)"
      " { for (;;) main(); } int main(void) { return 1; }");
  built.run("gcc -O1 -nostartfiles -Wl,-e,begin -o %d/program %d/program.c");
  CHECK(!findEntryCode(*openElf(built.program())));
  CHECK(!findEntryCode(*openElf("/lib/x86_64-linux-gnu/libc.so.6")));
}

TEST("known code: damaged files do no harm") {
  BuiltProgram built(
      "#include <stdio.h>\n"
      "int main(int n, char **a) { return puts(a[0]) + n; }");
  built.run("gcc -O1 -s -o %d/program %d/program.c");
  std::ifstream stream(built.program(), std::ios::binary);
  std::string image((std::istreambuf_iterator<char>(stream)), {});
  auto plt = openElf(built.program())->findSectionRange(".plt");
  CHECK(plt.has_value());
  std::mt19937_64 random(3);
  for (int round = 0; round < 2000; round++) {
    std::string damaged = image;
    for (uint64_t n = 1 + random() % 200; n > 0; n--)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    auto file = ElfFile::open(makeFile(damaged));
    if (!file) continue;
    findEntryCode(*file);
    for (uint64_t address : {plt->address, plt->address + 0x10, plt->address + 0x2f})
      pltStubAt(*file, findPltTables(*file), address);
  }
}
