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
constexpr bunsen_unwind_rule kGoRule = {0, 0, BUNSEN_CFA_GO, 0};

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

// Go has no call frame information of its own code; it keeps frame pointers.
void addGoRows(const ElfFile& file, UnwindRows* rows) {
  std::optional<ElfRange> table = file.findSectionRange(".gopclntab");
  if (!table) table = file.findSectionRange(".data.rel.ro.gopclntab");
  std::optional<ElfRange> text = file.findSectionRange(".text");
  if (!table || !text || text->address + text->bytes < text->address) return;
  uint64_t end = text->address + text->bytes;
  UnwindRows known = *rows;
  RowWriter writer(rows->base);
  auto add = [&](uint64_t address, bunsen_unwind_rule rule) {
    bool is_go = rule.cfa == BUNSEN_CFA_NONE && address >= text->address && address < end;
    writer.add(address, is_go ? kGoRule : rule);
  };
  auto next = known.rows.begin();
  for (uint64_t bound : {text->address, end}) {
    for (; next != known.rows.end() && known.base + next->start <= bound; ++next)
      add(known.base + next->start, next->rule);
    add(bound, known.ruleAt(bound));
  }
  for (; next != known.rows.end(); ++next) add(known.base + next->start, next->rule);
  *rows = writer.take();
}

UnwindRows readCallFrames(const ElfFile& file, uint64_t base) {
  for (auto [name, format] : {std::pair(".eh_frame", CfiFormat::kEhFrame),
                              std::pair(".debug_frame", CfiFormat::kDebugFrame)}) {
    std::optional<ElfRange> range = file.findSectionRange(name);
    if (range && range->bytes > kMaxSectionBytes) return tooLarge();
    std::optional<ElfSection> section = file.readSection(name);
    if (!section) continue;
    CfiSection cfi = parseCfiSection(section->bytes, section->address, format);
    if (!cfi.functions.empty()) return toRows(cfi, base);
  }
  UnwindRows none;
  none.base = base;
  return none;
}

}  // namespace

UnwindRows readUnwindRows(const ElfFile& file) {
  std::optional<uint64_t> base = file.codeBase();
  if (!base) return {};
  UnwindRows rows = readCallFrames(file, *base);
  if (!rows.is_too_large) addGoRows(file, &rows);
  return rows;
}

bunsen_unwind_rule UnwindRows::ruleAt(uint64_t address) const {
  if (address < base || address - base >= BUNSEN_UNWIND_NO_START) return kNoRule;
  auto after =
      std::upper_bound(rows.begin(), rows.end(), static_cast<uint32_t>(address - base),
                       [](uint32_t wanted, const UnwindRow& row) { return wanted < row.start; });
  return after == rows.begin() ? kNoRule : (after - 1)->rule;
}

UnwindRows readUnwindRows(const ElfFile& file, const std::vector<uint64_t>& entries) {
  std::optional<uint64_t> base = file.codeBase();
  std::optional<ElfRange> range = file.findSectionRange(".eh_frame");
  if (!base || !range) return {};
  CfiPieces pieces(file, *range);
  return toRows(parseCfiFunctions(&pieces, entries), *base);
}

}  // namespace bunsen
