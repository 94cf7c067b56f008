#include "go_symbols.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <random>

#include "check.h"

using namespace bunsen;
using namespace bunsen::test;

namespace {

// TypeScript's compiler is a Go program, without a symbol table.
constexpr char kGoProgram[] = "../../node_modules/@typescript/typescript-linux-x64/lib/tsc";

std::optional<ElfFile> openElf(const char* path) {
  return ElfFile::open(UniqueFd(open(path, O_RDONLY)));
}

}  // namespace

TEST("go symbols: functions of a stripped Go program, by address") {
  std::optional<ElfFile> file = openElf(kGoProgram);
  if (!file) throw Skip{std::string("no ") + kGoProgram};
  CHECK(!file->hasSymbolTable());
  ElfSymbols symbols = readGoSymbols(*file);
  CHECK(symbols.symbols.size() > 10'000);
  std::map<std::string, uint64_t> addresses;
  for (const ElfSymbol& symbol : symbols.symbols)
    addresses[file->readName(symbols, symbol)] = symbols.base + symbol.start;
  for (const char* name : {"main.main", "runtime.mallocgc", "runtime.gcBgMarkWorker"}) {
    CHECK(addresses.count(name) == 1);
    auto found = symbols.find(addresses[name] + 1);
    CHECK_EQ(found.second - found.first, 1u);
    CHECK_EQ(file->readName(symbols, symbols.symbols[found.first]), name);
  }
  // Where the program begins is known from its header, too.
  uint64_t entry;
  CHECK(file->readAt(24, &entry, sizeof(entry)));
  auto start = symbols.find(entry);
  CHECK(start.first != start.second);
  CHECK(file->readName(symbols, symbols.symbols[start.first]).rfind("_rt0_", 0) == 0);
}

TEST("go symbols: other programs have none") {
  std::optional<ElfFile> self = openElf("/proc/self/exe");
  CHECK(self && readGoSymbols(*self).symbols.empty());
}

TEST("go symbols: a damaged table does no harm") {
  std::optional<ElfFile> file = openElf(kGoProgram);
  if (!file) throw Skip{std::string("no ") + kGoProgram};
  ElfRange section = *file->findSectionRange(".gopclntab");
  UniqueFd copy(memfd_create("go", MFD_CLOEXEC));
  std::string piece(1 << 20, '\0');
  struct stat status;
  CHECK_EQ(stat(kGoProgram, &status), 0);
  auto bytes = static_cast<uint64_t>(status.st_size);
  for (uint64_t at = 0; at < bytes; at += piece.size()) {
    piece.resize(std::min<uint64_t>(piece.size(), bytes - at));
    CHECK(file->readAt(at, piece.data(), piece.size()));
    CHECK_EQ(write(copy.get(), piece.data(), piece.size()), static_cast<ssize_t>(piece.size()));
  }
  std::mt19937_64 random(7);
  for (int round = 0; round < 60; round++) {
    // A third of the damage is in the header.
    uint64_t at = section.file_offset + random() % (round % 3 == 0 ? 72 : section.bytes - 8);
    uint64_t value = random() >> (random() % 64);
    CHECK_EQ(pwrite(copy.get(), &value, 8, static_cast<off_t>(at)), 8);
    std::optional<ElfFile> damaged = ElfFile::open(UniqueFd(dup(copy.get())));
    CHECK(damaged.has_value());
    ElfSymbols symbols = readGoSymbols(*damaged);
    for (const ElfSymbol& symbol : symbols.symbols)
      if (random() % 1000 == 0) damaged->readName(symbols, symbol);
    symbols.find(symbols.base + random() % 10'000'000);
    if (round % 3 != 0) continue;
    CHECK(file->readAt(at, &value, 8));
    CHECK_EQ(pwrite(copy.get(), &value, 8, static_cast<off_t>(at)), 8);
  }
}
