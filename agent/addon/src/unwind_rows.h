// The rows by which the code of one executable file is unwound.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "elf_file.h"
#include "unwind_format.h"

namespace bunsen {

struct UnwindRows {
  uint64_t base = 0;  // added to each start: the file's lowest code
  std::vector<bunsen_unwind_row> rows;  // by start, each with a rule other than the one before

  // Returns the rule that holds at the address.
  bunsen_unwind_rule ruleAt(uint64_t address) const;
};

// Returns the rows of .eh_frame, or of .debug_frame if the file has no other; none if it has
// neither, or more than kMaxUnwindRows.
UnwindRows readUnwindRows(const ElfFile& file);

// 16 MB in the kernel. libLLVM has a million.
constexpr size_t kMaxUnwindRows = 2 << 20;

}  // namespace bunsen
