#include "symbol_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "check.h"

using namespace bunsen;
using namespace bunsen::test;

namespace {

// A program in a folder of its own, made by the tools that distributions use.
class Built {
 public:
  Built() {
    char name[] = "/tmp/bunsen-symbols-XXXXXX";
    CHECK(mkdtemp(name) != nullptr);
    folder_ = name;
    std::ofstream source(folder_ + "/program.c");
    source << "__attribute__((noinline)) static int hidden(int n) { return n * 3; }\n"
              "__attribute__((noinline)) int shown(int n) { return hidden(n) + 1; }\n"
              "int main(int argc, char **argv) { return shown(argc) == (int)(long)argv; }\n";
  }
  Built(const Built&) = delete;
  ~Built() { run("rm -r " + folder_); }

  // With %d for the folder. Skips the test where a tool is missing.
  void run(std::string command) {
    for (size_t at; (at = command.find("%d")) != std::string::npos;)
      command.replace(at, 2, folder_);
    std::string tool = command.substr(0, command.find(' '));
    if (system(("command -v " + tool + " >/dev/null").c_str()) != 0) throw Skip{"no " + tool};
    CHECK_EQ(system(command.c_str()), 0);
  }

  const std::string& folder() const { return folder_; }
  std::string program() const { return folder_ + "/program"; }

 private:
  std::string folder_;
};

std::shared_ptr<const ElfFile> openElf(const std::string& path) {
  auto file = ElfFile::open(UniqueFd(open(path.c_str(), O_RDONLY)));
  return file ? std::make_shared<const ElfFile>(std::move(*file)) : nullptr;
}

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
