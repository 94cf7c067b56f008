// Reads the sections with call frame information: .eh_frame and .debug_frame.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "cfi_program.h"

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

}  // namespace bunsen
