#include "unwind_rows.h"

#include <algorithm>
#include <cstring>

#include "cfi_section.h"

namespace bunsen {

namespace {

// A row takes six bytes of the section or more.
constexpr size_t kMaxSectionBytes = 6 * kMaxUnwindRows;

// Space between functions is padding if it is no longer than their alignment. Nothing runs there,
// so the rows of the function before may go on: half a row less for each function.
constexpr uint64_t kLongestPadding = 15;

constexpr bunsen_unwind_rule kNoRule = {0, 0, BUNSEN_CFA_NONE, 0};

bool isSame(const bunsen_unwind_rule& left, const bunsen_unwind_rule& right) {
  return memcmp(&left, &right, sizeof(left)) == 0;
}

class RowWriter {
 public:
  explicit RowWriter(uint64_t base) { result_.base = base; }

  // Addresses must not fall.
  void add(uint64_t address, const bunsen_unwind_rule& rule) {
    if (address < result_.base || address - result_.base >= BUNSEN_UNWIND_NO_START) return;
    auto start = static_cast<uint32_t>(address - result_.base);
    auto& rows = result_.rows;
    if (!rows.empty() && start < rows.back().start) return;
    // The last word on an address counts.
    if (!rows.empty() && start == rows.back().start) rows.pop_back();
    if (!rows.empty() && isSame(rows.back().rule, rule)) return;
    rows.push_back({start, rule});
  }

  size_t size() const { return result_.rows.size(); }
  UnwindRows take() { return std::move(result_); }

 private:
  UnwindRows result_;
};

UnwindRows tooLarge() {
  UnwindRows none;
  none.is_too_large = true;
  return none;
}

UnwindRows toRows(const CfiSection& section, uint64_t base) {
  std::vector<CfiRules> initial;
  initial.reserve(section.commons.size());
  for (const CfiCommon& common : section.commons)
    initial.push_back(CfiProgram::initialRules(common));

  RowWriter writer(base);
  uint64_t end_before = 0;
  for (const CfiFunction& function : section.functions) {
    if (writer.size() > kMaxUnwindRows) return tooLarge();
    if (end_before != 0 && function.start > end_before + kLongestPadding)
      writer.add(end_before, kNoRule);
    const CfiCommon& common = section.commons[function.common];
    CfiProgram program(common, initial[function.common]);
    program.run(function.instructions, function.start,
                [&](uint64_t address, const CfiRules& rules) {
                  if (address < function.end)
                    writer.add(address, rules.encode(common.is_signal_frame));
                });
    end_before = std::max(end_before, function.end);
  }
  if (end_before != 0) writer.add(end_before, kNoRule);
  return writer.take();
}

}  // namespace

bunsen_unwind_rule UnwindRows::ruleAt(uint64_t address) const {
  if (address < base || address - base >= BUNSEN_UNWIND_NO_START) return kNoRule;
  auto after =
      std::upper_bound(rows.begin(), rows.end(), static_cast<uint32_t>(address - base),
                       [](uint32_t wanted, const UnwindRow& row) { return wanted < row.start; });
  return after == rows.begin() ? kNoRule : (after - 1)->rule;
}

UnwindRows readUnwindRows(const ElfFile& file) {
  std::optional<uint64_t> base = file.codeBase();
  if (!base) return {};
  for (auto [name, format] : {std::pair(".eh_frame", CfiFormat::kEhFrame),
                              std::pair(".debug_frame", CfiFormat::kDebugFrame)}) {
    std::optional<ElfRange> range = file.findSectionRange(name);
    if (range && range->bytes > kMaxSectionBytes) return tooLarge();
    std::optional<ElfSection> section = file.readSection(name);
    if (!section) continue;
    CfiSection cfi = parseCfiSection(section->bytes, section->address, format);
    if (!cfi.functions.empty()) return toRows(cfi, *base);
  }
  return {};
}

UnwindRows readUnwindRows(const ElfFile& file, const std::vector<uint64_t>& entries) {
  std::optional<uint64_t> base = file.codeBase();
  std::optional<ElfRange> range = file.findSectionRange(".eh_frame");
  if (!base || !range) return {};
  CfiPieces pieces(file, *range);
  return toRows(parseCfiFunctions(&pieces, entries), *base);
}

}  // namespace bunsen
