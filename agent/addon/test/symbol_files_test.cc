#include "symbol_files.h"

#include <unistd.h>

#include <fstream>

#include "built_program.h"

using namespace bunsen;
using namespace bunsen::test;

namespace {

class Built : public BuiltProgram {
 public:
  Built()
      : BuiltProgram(
            "__attribute__((noinline)) static int hidden(int n) { return n * 3; }\n"
            "__attribute__((noinline)) int shown(int n) { return hidden(n) + 1; }\n"
            "int main(int argc, char **argv) { return shown(argc) == (int)(long)argv; }\n") {}
};

std::vector<SymbolFile> filesOf(const std::string& path) {
  return openSymbolFiles(static_cast<uint32_t>(getpid()), path, openElf(path));
}

// Returns whether one of the files has a function of this name, and it is found by its address.
bool hasFunction(const std::vector<SymbolFile>& files, const std::string& name) {
  for (const SymbolFile& each : files) {
    ElfSymbols symbols = each.file->readSymbols();
    for (const ElfSymbol& symbol : symbols.symbols)
      if (each.file->readName(symbols, symbol) == name) {
        auto found = symbols.find(symbols.base + symbol.start);
        return found.first != found.second;
      }
  }
  return false;
}

}  // namespace

TEST("symbol files: a file with a symbol table needs no other") {
  Built built;
  built.run("gcc -O1 -o %d/program %d/program.c");
  std::vector<SymbolFile> files = filesOf(built.program());
  CHECK_EQ(files.size(), 1u);
  CHECK(hasFunction(files, "hidden"));
}

TEST("symbol files: the debug file that .gnu_debuglink names, where it belongs to the program") {
  // With a build ID, and with the checksum alone.
  for (const char* id : {"sha1", "none"}) {
    Built built;
    built.run(std::string("gcc -O1 -Wl,--build-id=") + id + " -o %d/program %d/program.c");
    built.run("objcopy --only-keep-debug %d/program %d/program.debug");
    built.run("strip %d/program");
    CHECK(!hasFunction(filesOf(built.program()), "hidden"));
    built.run("objcopy --add-gnu-debuglink=%d/program.debug %d/program");
    std::vector<SymbolFile> files = filesOf(built.program());
    CHECK_EQ(files.size(), 2u);
    CHECK(hasFunction(files, "hidden"));

    built.run("mkdir %d/.debug");
    built.run("mv %d/program.debug %d/.debug/program.debug");
    CHECK(hasFunction(filesOf(built.program()), "hidden"));

    // Another build's debug file would give wrong names.
    built.run("sed -i s/3/4/ %d/program.c");
    built.run(std::string("gcc -O0 -Wl,--build-id=") + id + " -o %d/other %d/program.c");
    built.run("objcopy --only-keep-debug %d/other %d/.debug/program.debug");
    CHECK_EQ(filesOf(built.program()).size(), 1u);
  }
}

TEST("symbol files: a link that leads elsewhere is not followed") {
  Built built;
  built.run("gcc -O1 -Wl,--build-id=none -o %d/program %d/program.c");
  built.run("mkdir %d/sub");
  built.run("objcopy --only-keep-debug %d/program %d/debug");
  built.run("strip -o %d/sub/program %d/program");
  std::string section = std::string("../debug\0\0\0\0", 12);
  uint32_t checksum = openElf(built.folder() + "/debug")->checksum();
  section.append(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
  std::ofstream(built.folder() + "/link", std::ios::binary) << section;
  built.run("objcopy --add-section .gnu_debuglink=%d/link %d/sub/program");
  CHECK_EQ(filesOf(built.folder() + "/sub/program").size(), 1u);
}

TEST("symbol files: by build ID, as the distribution ships them") {
  const char* libc = "/lib/x86_64-linux-gnu/libc.so.6";
  std::shared_ptr<const ElfFile> file = openElf(libc);
  if (!file || file->buildId().size() < 3) throw Skip{"no such libc"};
  std::string id = file->buildId();
  std::string debug = "/usr/lib/debug/.build-id/" + id.substr(0, 2) + "/" + id.substr(2) + ".debug";
  if (access(debug.c_str(), R_OK) != 0) throw Skip{"libc6-dbg is not installed"};
  CHECK(!hasFunction({{file, 0}}, "__libc_start_call_main"));
  CHECK(hasFunction(filesOf(libc), "__libc_start_call_main"));
}

TEST("symbol files: .gnu_debugdata has the functions that .dynsym has not") {
  Built built;
  built.run("gcc -O1 -rdynamic -o %d/full %d/program.c");
  // As rpm's find-debuginfo does it.
  built.run("objcopy -S --remove-section .comment --keep-symbol=hidden %d/full %d/mini");
  built.run("xz %d/mini");
  built.run("strip -o %d/program %d/full");
  built.run("objcopy --add-section .gnu_debugdata=%d/mini.xz %d/program");
  CHECK(!hasFunction({{openElf(built.program()), 0}}, "hidden"));
  std::vector<SymbolFile> files = filesOf(built.program());
  CHECK_EQ(files.size(), 2u);
  CHECK(files[0].memory_bytes > 0);
  CHECK(hasFunction(files, "hidden"));
  CHECK(hasFunction(files, "shown"));

  // Damaged, it is as if it were not there.
  built.run("truncate -s 100 %d/mini.xz");
  built.run("strip -R .gnu_debugdata %d/program");
  built.run("objcopy --add-section .gnu_debugdata=%d/mini.xz %d/program");
  CHECK_EQ(filesOf(built.program()).size(), 1u);
}
