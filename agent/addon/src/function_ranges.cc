#include "function_ranges.h"

#include "cfi_section.h"

namespace bunsen {

std::optional<FunctionRanges> FunctionRanges::open(std::shared_ptr<const ElfFile> file) {
  std::optional<EhFrameHeader> header = EhFrameHeader::open(*file);
  std::optional<ElfRange> eh_frame = file->findSectionRange(".eh_frame");
  if (!header || !eh_frame) return std::nullopt;
  FunctionRanges ranges;
  ranges.file_ = std::move(file);
  ranges.header_ = *header;
  ranges.eh_frame_ = *eh_frame;
  return ranges;
}

std::optional<CodeRange> FunctionRanges::find(uint64_t address) const {
  std::optional<EhFrameHeader::Entry> last;  // that begins at the address or before it
  uint32_t first = 0;
  for (uint32_t count = header_.size(); count > 0;) {
    uint32_t half = count / 2;
    std::vector<EhFrameHeader::Entry> middle = header_.read(*file_, first + half, 1);
    if (middle.empty()) return std::nullopt;
    if (header_.addressOf(middle[0].code) <= address) {
      last = middle[0];
      first += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  if (!last) return std::nullopt;
  CfiPieces pieces(*file_, eh_frame_);
  CfiSection section = parseCfiFunctions(&pieces, {header_.addressOf(last->entry)});
  if (section.functions.empty()) return std::nullopt;
  CodeRange range = {section.functions[0].start, section.functions[0].end};
  return range.contains(address) ? std::optional(range) : std::nullopt;
}

}  // namespace bunsen
