#include "module_table.h"

#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include "built_program.h"

using namespace bunsen;
using namespace bunsen::test;

namespace {

constexpr char kSource[] =
    "#include <stdlib.h>\n"
    "volatile int sink;\n"
    "__attribute__((noinline)) static int inner(int n) { sink = n; return n * 3 + sink; }\n"
    "__attribute__((noinline)) static int outer(int n) { return inner(n) + inner(n + 1); }\n"
    "void written_by_hand(void);\n"
    "asm(\".text\\n.type written_by_hand, @function\\nwritten_by_hand: nop; nop; ret\\n\");\n"
    "int main(int n, char **a) { written_by_hand(); return outer(n) + strtol(a[0], a, n); }\n";

struct Symbol {
  uint64_t start, size;
};

std::map<std::string, Symbol> symbolsOf(const std::string& path) {
  std::map<std::string, Symbol> symbols;
  for (const std::string& line : linesOf("nm -S " + path)) {
    char* end;
    uint64_t start = strtoull(line.c_str(), &end, 16);
    symbols[line.substr(line.rfind(' ') + 1)] = {start, strtoull(end, nullptr, 16)};
  }
  return symbols;
}

// Names the code of a file that no process maps.
class Namer {
 public:
  explicit Namer(const std::string& path) : file_(openElf(path)) {
    struct stat status;
    CHECK_EQ(stat(path.c_str(), &status), 0);
    Mapping mapping = {0, 0, 0, "00:01", status.st_ino, path, false};
    module_ = modules_.open(static_cast<uint32_t>(getpid()), mapping);
  }

  std::string nameAt(uint64_t address) {
    const ElfSegment& code = file_->segments().at(0);
    std::vector<FunctionIndex> frames;
    module_->addFrames(address - code.address + code.file_offset, &frames);
    CHECK_EQ(frames.size(), 1u);
    return std::string(names_.string(names_.function(frames.at(0)).name));
  }

 private:
  std::shared_ptr<const ElfFile> file_;
  NameTable names_;
  ModuleTable modules_{&names_};
  std::shared_ptr<Module> module_;
};

std::string unnamed(uint64_t address) {
  char text[40];
  snprintf(text, sizeof(text), "program+0x%lx", address);
  return text;
}

}  // namespace

TEST("modules: in a stripped program every address of a function has one name, its start's") {
  BuiltProgram built(kSource);
  built.run("gcc -O1 -o %d/program %d/program.c");
  std::map<std::string, Symbol> symbols = symbolsOf(built.program());
  Namer before(built.program());
  built.run("mkdir %d/stripped");
  built.run("strip -o %d/stripped/program %d/program");
  Namer after(built.folder() + "/stripped/program");
  for (const char* name : {"inner", "outer"}) {
    auto [start, size] = symbols.at(name);
    CHECK(size > 4);
    for (uint64_t address = start; address < start + size; address++) {
      CHECK_EQ(before.nameAt(address), name);
      CHECK_EQ(after.nameAt(address), unnamed(start));
    }
  }
  CHECK_EQ(after.nameAt(symbols.at("main").start + 1), "main");
  CHECK_EQ(after.nameAt(symbols.at("_start").start + 1), "_start");
  // Nothing says where this function begins.
  uint64_t by_hand = symbols.at("written_by_hand").start;
  CHECK_EQ(after.nameAt(by_hand + 1), unnamed(by_hand + 1));
}

TEST("modules: entries of the PLT are named after what they jump to, stripped or not") {
  BuiltProgram built(kSource);
  built.run("gcc -O1 -Wl,-z,now -o %d/program %d/program.c");
  uint64_t stub = 0;
  for (const std::string& line : linesOf("objdump -d " + built.program()))
    if (line.find("<strtol@plt>:") != line.npos) stub = strtoull(line.c_str(), nullptr, 16);
  CHECK(stub != 0);
  CHECK_EQ(Namer(built.program()).nameAt(stub + 2), "strtol@plt");
  built.run("strip %d/program");
  CHECK_EQ(Namer(built.program()).nameAt(stub + 2), "strtol@plt");
}

TEST("modules: a symbol without a size does not reach into a function of its own") {
  BuiltProgram built(kSource);
  built.run("gcc -O1 -c -o %d/program.o %d/program.c");
  // Labels of functions remain, those of the C functions behind them do not.
  built.run("gcc -o %d/program %d/program.o");
  std::map<std::string, Symbol> symbols = symbolsOf(built.program());
  built.run("strip -K written_by_hand %d/program");
  Namer namer(built.program());
  uint64_t by_hand = symbols.at("written_by_hand").start;
  CHECK_EQ(namer.nameAt(by_hand), "written_by_hand");
  CHECK_EQ(namer.nameAt(by_hand + 2), "written_by_hand");
  uint64_t inner = symbols.at("inner").start;
  CHECK(inner > by_hand && inner - by_hand < ElfFile::kLongestUnsized);
  CHECK_EQ(namer.nameAt(inner + 1), unnamed(inner));
}
