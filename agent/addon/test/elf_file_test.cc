#include "elf_file.h"

#include <fcntl.h>

#include <cstdlib>
#include <random>
#include <sstream>

#include "check.h"
#include "elf_image.h"

using namespace bunsen;
using namespace bunsen::test;

namespace {

// Three executable segments whose addresses stand in different relations to their offsets, as in
// node, where the second and third differ by 0x400000.
const std::vector<ImageSegment> kSegments = {
    {0x1000, 0x800, 0x401000}, {0x2000, 0x1000, 0x402000}, {0x3000, 0x200, 0x803000}};

std::string nameAt(const ElfFile& file, const ElfSymbols& symbols, uint64_t address) {
  auto [first, last] = symbols.find(address);
  std::string names;
  for (size_t i = first; i < last; i++)
    names += (names.empty() ? "" : " ") + file.readName(symbols, symbols.symbols[i]);
  return names;
}

UniqueFd openInPath(const std::string& program) {
  std::istringstream folders(getenv("PATH") ? getenv("PATH") : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    UniqueFd fd(open((folder + "/" + program).c_str(), O_RDONLY));
    if (fd) return fd;
  }
  throw Skip{"no " + program + " in PATH"};
}

}  // namespace

TEST("elf: offset to address in a file with several executable segments") {
  auto file = ElfFile::open(makeFile(makeElfImage(kSegments, {})));
  CHECK(file.has_value());
  CHECK_EQ(file->buildId(), "0123456789abcdef");
  CHECK_EQ(file->addressAt(0x1000).value_or(0), 0x401000u);
  CHECK_EQ(file->addressAt(0x17ff).value_or(0), 0x4017ffu);
  CHECK(!file->addressAt(0x1800));
  CHECK_EQ(file->addressAt(0x2abc).value_or(0), 0x402abcu);
  CHECK_EQ(file->addressAt(0x3010).value_or(0), 0x803010u);
  CHECK(!file->addressAt(0x3200));
}

TEST("elf: ends of functions are honoured, nested ranges and aliases") {
  auto file = ElfFile::open(makeFile(makeElfImage(kSegments, {
                                                                 {"third", 0x803000, 0x10},
                                                                 {"outer", 0x401000, 0x100},
                                                                 {"inner", 0x401040, 0x10},
                                                                 {"alias", 0x401040, 0x10},
                                                                 {"data", 0x401200, 8, STT_OBJECT},
                                                                 {"label", 0x401020, 0, STT_NOTYPE},
                                                             })));
  ElfSymbols symbols = file->readSymbols();
  CHECK_EQ(nameAt(*file, symbols, 0x401000), "outer");
  CHECK_EQ(nameAt(*file, symbols, 0x401020), "outer");
  CHECK_EQ(nameAt(*file, symbols, 0x401048).size(), std::string("inner alias").size());
  CHECK_EQ(nameAt(*file, symbols, 0x401050), "outer");
  CHECK_EQ(nameAt(*file, symbols, 0x401100), "");
  CHECK_EQ(nameAt(*file, symbols, 0x401204), "");
  CHECK_EQ(nameAt(*file, symbols, 0x803008), "third");
  CHECK_EQ(nameAt(*file, symbols, 0x400fff), "");
  CHECK_EQ(nameAt(*file, symbols, UINT64_MAX), "");
}

TEST("elf: functions without a size reach to the next one, the section's end, or the limit") {
  auto file = ElfFile::open(makeFile(
      makeElfImage({{0x1000, 0x8000, 0x401000}},
                   {{"first", 0x401000, 0}, {"second", 0x401010, 0}, {"last", 0x408ff0, 0}})));
  ElfSymbols symbols = file->readSymbols();
  CHECK_EQ(nameAt(*file, symbols, 0x40100f), "first");
  CHECK_EQ(nameAt(*file, symbols, 0x401010 + ElfFile::kLongestUnsized - 1), "second");
  CHECK_EQ(nameAt(*file, symbols, 0x401010 + ElfFile::kLongestUnsized), "");
  CHECK_EQ(nameAt(*file, symbols, 0x408fff), "last");
  CHECK_EQ(nameAt(*file, symbols, 0x409000), "");
}

TEST("elf: node's functions, against its section table") {
  UniqueFd fd = openInPath("node");
  Elf64_Ehdr header;
  CHECK_EQ(pread(fd.get(), &header, sizeof(header), 0), ssize_t{sizeof(header)});
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  pread(fd.get(), sections.data(), sections.size() * sizeof(Elf64_Shdr),
        static_cast<off_t>(header.e_shoff));
  auto file = ElfFile::open(std::move(fd));
  ElfSymbols symbols = file->readSymbols();
  CHECK(symbols.symbols.size() > 1000);

  // Sections and segments say independently of each other what stands where.
  size_t wrong = 0;
  for (const ElfSymbol& symbol : symbols.symbols) {
    uint64_t address = symbols.base + symbol.start;
    for (const Elf64_Shdr& section : sections)
      if (section.sh_flags & SHF_EXECINSTR && address >= section.sh_addr &&
          address < section.sh_addr + section.sh_size)
        wrong += file->addressAt(address - section.sh_addr + section.sh_offset) != address;
  }
  CHECK_EQ(wrong, 0u);
}

TEST("elf: truncated and damaged files do no harm") {
  std::string image = makeElfImage(
      kSegments, {{"outer", 0x401000, 0x100}, {"unsized", 0x402000, 0}, {"x", 0x803000, 9}});
  auto exercise = [](const std::string& bytes) {
    auto file = ElfFile::open(makeFile(bytes));
    if (!file) return;
    ElfSymbols symbols = file->readSymbols();
    for (uint64_t address : {0x401000ull, 0x402010ull, 0x803008ull, 0ull, ~0ull}) {
      file->addressAt(address);
      nameAt(*file, symbols, address);
    }
  };
  for (size_t length = 0; length < image.size(); length++) exercise(image.substr(0, length));
  std::mt19937_64 random(1);
  for (int round = 0; round < 20'000; round++) {
    std::string damaged = image;
    for (uint64_t n = 1 + random() % 8; n > 0; n--)
      damaged[random() % damaged.size()] = static_cast<char>(random() % 4 ? random() : 0xff);
    exercise(damaged);
  }
}
