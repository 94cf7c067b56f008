// Reads the sections with call frame information: .eh_frame and .debug_frame.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "cfi_program.h"
#include "elf_file.h"

namespace bunsen {

// One function's entry (FDE).
struct CfiFunction {
  uint64_t start;
  uint64_t end;
  uint32_t common;  // in CfiSection::commons
  std::string_view instructions;
};

// Views into the section's bytes.
struct CfiSection {
  std::vector<CfiCommon> commons;
  std::vector<CfiFunction> functions;  // by start
};

enum class CfiFormat { kEhFrame, kDebugFrame };

// Returns the entries that can be understood; what is damaged is left out.
// @param address of the section in the file's own terms
CfiSection parseCfiSection(std::string_view bytes, uint64_t address, CfiFormat format);

// A section of a file, of which only what is asked for is read and kept.
class CfiPieces {
 public:
  CfiPieces(const ElfFile& file, const ElfRange& section) : file_(file), section_(section) {}

  const ElfRange& section() const { return section_; }

  // Returns the section's bytes from `offset` on: so many, or up to its end. Valid as long as this.
  std::string_view view(uint64_t offset, uint64_t bytes);

 private:
  const ElfFile& file_;
  ElfRange section_;
  std::deque<std::string> read_;
};

// Returns the entries of .eh_frame at these addresses alone. Views into the pieces.
CfiSection parseCfiFunctions(CfiPieces* pieces, const std::vector<uint64_t>& addresses);

}  // namespace bunsen
