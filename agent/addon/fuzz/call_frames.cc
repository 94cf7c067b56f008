// Call frame information: .debug_frame, or .eh_frame with its index. The first byte is the number
// of bytes of .eh_frame_hdr that follow; none: the rest is a .debug_frame.
#include <algorithm>

#include "function_ranges.h"
#include "fuzz.h"
#include "unwind_index.h"
#include "unwind_rows.h"

using namespace bunsen;
using namespace bunsen::fuzz;

namespace {

void requireOrder(const UnwindRows& rows) {
  auto rises = [](const UnwindRow& left, const UnwindRow& right) {
    return left.start >= right.start;
  };
  require(std::adjacent_find(rows.rows.begin(), rows.rows.end(), rises) == rows.rows.end());
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  std::string_view text = textOf(bytes + 1, size - 1);
  size_t index_bytes = std::min<size_t>(bytes[0], text.size());
  std::string rest(text.substr(index_bytes));
  std::string image =
      index_bytes == 0
          ? test::makeElfOfSections({{".debug_frame", 0, rest}})
          : test::makeElfOfSections({{".eh_frame_hdr", 0x2000, std::string(text, 0, index_bytes)},
                                     {".eh_frame", 0x3000, rest}});
  auto file = std::make_shared<const ElfFile>(std::move(*openImage(image)));
  UnwindRows rows = readUnwindRows(*file);
  requireOrder(rows);
  rows.ruleAt(rows.base + 0x10);
  std::optional<UnwindIndex> index = UnwindIndex::open(file);
  if (!index) return 0;
  for (size_t part = 0; part < std::min<size_t>(index->size(), 64); part++) {
    UnwindRows of_part = index->read(part);
    require(of_part.rows.size() <= BUNSEN_UNWIND_PAGE_ROWS);
    requireOrder(of_part);
  }
  index->find(0x10);
  std::optional<FunctionRanges> ranges = FunctionRanges::open(file);
  require(ranges.has_value());
  for (uint64_t address = 0x1000; address < 0x5000; address += 0x80) {
    std::optional<CodeRange> range = ranges->find(address);
    require(!range || range->contains(address));
  }
  return 0;
}
