#include "unwind_index.h"

#include <algorithm>

#include "cfi_section.h"

namespace bunsen {

namespace {

// What a damaged file says must not cost more memory or time than this.
constexpr uint32_t kMaxFunctionsOfPart = 512;
constexpr size_t kMaxParts = 1 << 20;

// A part fills half of its page on average: a row takes six bytes of call frame information then,
// and seldom less than three.
constexpr size_t kPageRows = BUNSEN_UNWIND_PAGE_ROWS;
constexpr uint64_t kPartBytes = 3 * kPageRows;

}  // namespace

std::optional<UnwindIndex> UnwindIndex::open(std::shared_ptr<const ElfFile> file) {
  UnwindIndex index(std::move(file));
  if (!index.readTable()) return std::nullopt;
  return index;
}

bool UnwindIndex::readTable() {
  std::optional<uint64_t> base = file_->codeBase();
  std::optional<EhFrameHeader> header = EhFrameHeader::open(*file_);
  if (!base || !header) return false;
  base_ = *base;
  header_ = *header;
  uint32_t functions = header_.size();
  std::vector<EhFrameHeader::Entry> table = header_.read(*file_, 0, functions);
  if (table.empty()) return false;
  std::vector<int32_t> entries;
  entries.reserve(functions);
  for (const EhFrameHeader::Entry& function : table) entries.push_back(function.entry);
  std::sort(entries.begin(), entries.end());

  uint64_t part_bytes = 0;
  for (uint32_t i = 0; i < functions; i++) {
    if (i > 0 && table[i].code < table[i - 1].code) return false;
    uint64_t address = header_.addressOf(table[i].code);
    if (address < base_ || address - base_ >= BUNSEN_UNWIND_NO_START) continue;
    auto start = static_cast<uint32_t>(address - base_);
    // Up to the next entry; the last one is no larger than others.
    auto after = std::upper_bound(entries.begin(), entries.end(), table[i].entry);
    uint64_t bytes =
        after == entries.end() ? 0 : static_cast<uint64_t>(int64_t{*after} - table[i].entry);
    if (parts_.empty() || part_bytes + bytes > kPartBytes ||
        i - parts_.back().first_function >= kMaxFunctionsOfPart) {
      parts_.push_back({start, i});
      part_bytes = 0;
    }
    part_bytes += bytes;
    if (bytes <= kPartBytes || i + 1 == functions) continue;
    // A function too large for a page, such as gcc's recog(): more parts, evenly over its code.
    uint64_t code = static_cast<uint64_t>(int64_t{table[i + 1].code} - table[i].code);
    uint64_t pieces = 2 * bytes / kPartBytes;
    if (start + code >= BUNSEN_UNWIND_NO_START || parts_.size() + pieces > kMaxParts) return false;
    for (uint64_t piece = 1; piece < pieces; piece++)
      parts_.push_back({start + static_cast<uint32_t>(code * piece / pieces), i});
  }
  parts_.shrink_to_fit();
  return !parts_.empty();
}

std::optional<size_t> UnwindIndex::find(uint64_t from_base) const {
  auto after =
      std::upper_bound(parts_.begin(), parts_.end(), from_base,
                       [](uint64_t wanted, const Part& part) { return wanted < part.start; });
  if (after == parts_.begin()) return std::nullopt;
  return static_cast<size_t>(after - parts_.begin()) - 1;
}

UnwindRows UnwindIndex::read(size_t part) const {
  bool is_last = part + 1 == parts_.size();
  uint32_t first = parts_[part].first_function;
  uint32_t end = is_last ? header_.size() : std::max(parts_[part + 1].first_function, first + 1);
  std::vector<uint64_t> entries;
  for (const EhFrameHeader::Entry& function : header_.read(*file_, first, end - first))
    entries.push_back(header_.addressOf(function.entry));

  UnwindRows result = readUnwindRows(*file_, entries);
  std::vector<UnwindRow>& rows = result.rows;
  auto isBefore = [](const UnwindRow& row, uint32_t start) { return row.start < start; };
  if (!is_last)
    rows.erase(std::lower_bound(rows.begin(), rows.end(), start(part + 1), isBefore), rows.end());
  auto own = std::lower_bound(rows.begin(), rows.end(), start(part), isBefore);
  if (own != rows.begin() && (own == rows.end() || own->start > start(part))) --own;
  rows.erase(rows.begin(), own);
  if (!rows.empty()) rows.front().start = std::max(rows.front().start, start(part));
  if (rows.size() > kPageRows) {
    rows.resize(kPageRows);
    rows.back().rule = {0, 0, BUNSEN_CFA_UNKNOWN, 0};
  }
  return result;
}

}  // namespace bunsen
