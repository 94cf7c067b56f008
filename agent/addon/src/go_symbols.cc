#include "go_symbols.h"

#include <algorithm>
#include <cstring>

namespace bunsen {

namespace {

// The header of runtime/symtab.go (pcHeader), since Go 1.18. Offsets count from it.
struct PcHeader {
  uint32_t magic;
  uint8_t zeros[2];
  uint8_t code_alignment;
  uint8_t pointer_bytes;
  uint64_t functions;
  uint64_t files;
  uint64_t text_start;  // 0 since Go 1.26: there it is the start of .text
  uint64_t names_offset;
  uint64_t units_offset, files_offset, pc_data_offset;
  uint64_t functions_offset;
};

constexpr uint32_t kMagicOf118 = 0xfffffff0;
constexpr uint32_t kMagicOf120 = 0xfffffff1;
constexpr uint64_t kMaxBytes = 256 << 20;
constexpr uint64_t kMaxFunctions = 2 << 20;

struct TableEntry {
  uint32_t start;   // from text_start
  uint32_t offset;  // of what is known about the function; from the table
};

// The beginning of that (_func).
struct Function {
  uint32_t start;
  int32_t name_offset;  // from names_offset
};

}  // namespace

ElfSymbols readGoSymbols(const ElfFile& file) {
  std::optional<ElfRange> section = file.findSectionRange(".gopclntab");
  if (!section) section = file.findSectionRange(".data.rel.ro.gopclntab");
  std::optional<ElfRange> text = file.findSectionRange(".text");
  PcHeader header;
  if (!section || !text || section->bytes < sizeof(header) || section->bytes > kMaxBytes ||
      !file.readAt(section->file_offset, &header, sizeof(header)))
    return {};
  if ((header.magic != kMagicOf118 && header.magic != kMagicOf120) || header.pointer_bytes != 8 ||
      header.functions > kMaxFunctions || header.functions_offset > section->bytes ||
      header.names_offset > section->bytes)
    return {};

  std::string table(section->bytes - header.functions_offset, '\0');
  if (!file.readAt(section->file_offset + header.functions_offset, table.data(), table.size()))
    return {};
  ElfSymbols result;
  result.base = header.text_start ? header.text_start : text->address;
  result.strings_offset = section->file_offset + header.names_offset;
  result.strings_bytes = section->bytes - header.names_offset;
  result.symbols.reserve(std::min<uint64_t>(header.functions, table.size() / sizeof(TableEntry)));
  for (uint64_t i = 0; i < header.functions; i++) {
    TableEntry entry, next;
    Function function;
    // Behind the last entry stands where its function ends.
    if ((i + 1) * sizeof(entry) + sizeof(entry.start) > table.size()) break;
    memcpy(&entry, &table[i * sizeof(entry)], sizeof(entry));
    memcpy(&next.start, &table[(i + 1) * sizeof(entry)], sizeof(next.start));
    if (next.start < entry.start || entry.offset > table.size() ||
        table.size() - entry.offset < sizeof(function))
      return {};
    memcpy(&function, &table[entry.offset], sizeof(function));
    if (function.name_offset < 0) continue;
    auto name_offset = static_cast<uint32_t>(function.name_offset);
    result.symbols.push_back({entry.start, next.start - entry.start, name_offset & INT32_MAX, 0});
  }
  return result;
}

}  // namespace bunsen
