// The rows by which the code of one executable file is unwound.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "elf_file.h"
#include "unwind_format.h"

namespace bunsen {

// Holds up to the next row.
struct UnwindRow {
  uint32_t start;  // from UnwindRows::base
  bunsen_unwind_rule rule;
};

struct UnwindRows {
  uint64_t base = 0;            // added to each start: the file's lowest code
  std::vector<UnwindRow> rows;  // by start, each with a rule other than the one before
  bool is_too_large = false;    // there is more than kMaxUnwindRows, or looks so; it was not read

  // Returns the rule that holds at the address.
  bunsen_unwind_rule ruleAt(uint64_t address) const;
};

// Returns the rows of .eh_frame, or of .debug_frame if the file has no other; none if it has
// neither.
UnwindRows readUnwindRows(const ElfFile& file);

// Returns the rows of the functions whose entries in .eh_frame are at these addresses.
UnwindRows readUnwindRows(const ElfFile& file, const std::vector<uint64_t>& entries);

// 17 MB in the kernel. libLLVM has a million, ClickHouse has six.
constexpr size_t kMaxUnwindRows = 2 << 20;

}  // namespace bunsen
