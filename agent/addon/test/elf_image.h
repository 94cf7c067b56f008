// Builds ELF files for the tests.
#pragma once

#include <elf.h>

#include <string>
#include <vector>

#include "unique_fd.h"

namespace bunsen::test {

struct ImageSymbol {
  std::string name;
  uint64_t address;
  uint64_t size;
  unsigned char type = STT_FUNC;
};

// One executable segment, which is also one section of code.
struct ImageSegment {
  uint64_t file_offset, bytes, address;
};

// Returns the bytes of an ELF file with these segments, a .symtab of these symbols, and the build
// ID "0123456789abcdef". The segments' own bytes are not in it.
std::string makeElfImage(const std::vector<ImageSegment>& segments,
                         const std::vector<ImageSymbol>& symbols);

struct ImageSection {
  std::string name;
  uint64_t address;
  std::string bytes;
};

// Returns the bytes of an ELF file of this processor with one executable segment, of 1 MB at
// address 0x1000, and these sections.
std::string makeElfOfSections(const std::vector<ImageSection>& sections);

// Returns a file with this content, in memory only.
UniqueFd makeFile(const std::string& content);

}  // namespace bunsen::test
