#include "function_ranges.h"

#include <map>
#include <random>

#include "built_program.h"
#include "elf_image.h"

using namespace bunsen;
using namespace bunsen::test;

namespace {

// Start and end of each function as readelf lists them.
std::map<uint64_t, uint64_t> rangesOfReadelf(const std::string& path) {
  std::map<uint64_t, uint64_t> ranges;
  for (const std::string& line : linesOf("readelf -W --debug-dump=frames " + path + " 2>&1")) {
    size_t at = line.find(" FDE cie=");
    size_t range = line.find("pc=");
    if (at == line.npos || range == line.npos) continue;
    uint64_t start = strtoull(&line[range + 3], nullptr, 16);
    ranges[start] = strtoull(&line[line.find("..", range) + 2], nullptr, 16);
  }
  return ranges;
}

}  // namespace

TEST("function ranges: as readelf has them, for programs and libraries of this host") {
  for (const char* path : {"/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2",
                           "/bin/bash", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"}) {
    std::shared_ptr<const ElfFile> file = openElf(path);
    if (!file) {
      std::cout << "      " << path << " is NOT HERE, its functions were not checked\n";
      continue;
    }
    std::optional<FunctionRanges> ranges = FunctionRanges::open(file);
    CHECK(ranges.has_value());
    std::map<uint64_t, uint64_t> expected = rangesOfReadelf(path);
    CHECK(expected.size() > 50);
    size_t wrong = 0;
    uint64_t end_before = 0;
    for (auto [start, end] : expected) {
      for (uint64_t address : {start, start + (end - start) / 2, end - 1}) {
        std::optional<CodeRange> range = ranges->find(address);
        wrong += !range || range->start != start || range->end != end;
      }
      if (end_before != 0 && end_before < start) wrong += ranges->find(start - 1).has_value();
      end_before = end;
    }
    wrong += ranges->find(end_before).has_value() + ranges->find(0).has_value() +
             ranges->find(UINT64_MAX).has_value();
    CHECK_EQ(wrong, 0u);
    std::cout << "      " << path << ": " << expected.size() << " functions\n";
  }
}

TEST("function ranges: a damaged list does no harm, and what it says holds the address") {
  auto own = openElf("/proc/self/exe");
  std::optional<ElfSection> list = own->readSection(".eh_frame_hdr");
  std::optional<ElfSection> frames = own->readSection(".eh_frame");
  CHECK(list && frames);
  std::mt19937_64 random(2);
  for (int round = 0; round < 500; round++) {
    std::string bytes = list->bytes.substr(0, random() % 4 ? 2000 : random() % 2000);
    for (uint64_t n = random() % 8; n > 0 && !bytes.empty(); n--)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    std::string entries = frames->bytes.substr(0, 20'000);
    for (uint64_t n = random() % 20; n > 0; n--)
      entries[random() % entries.size()] = static_cast<char>(random());
    auto file = std::make_shared<const ElfFile>(std::move(*ElfFile::open(makeFile(makeElfOfSections(
        {{".eh_frame_hdr", list->address, bytes}, {".eh_frame", frames->address, entries}})))));
    std::optional<FunctionRanges> ranges = FunctionRanges::open(file);
    if (!ranges) continue;
    for (int i = 0; i < 20; i++) {
      uint64_t address = random() % (list->address + 0x10000);
      std::optional<CodeRange> range = ranges->find(address);
      CHECK(!range || range->contains(address));
    }
  }
}
