// A whole file: headers, sections, symbols, and everything else that is read of one.
#include <algorithm>

#include "fuzz.h"
#include "go_symbols.h"
#include "known_code.h"
#include "unwind_index.h"
#include "unwind_rows.h"

using namespace bunsen;
using namespace bunsen::fuzz;

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::optional<ElfFile> file = openImage(std::string(textOf(bytes, size)));
  if (!file) return 0;
  require(file->buildId().size() <= 2 * size);
  file->checksum();
  file->hasSymbolTable();
  for (const ElfSegment& segment : file->segments()) {
    std::optional<uint64_t> address = file->addressAt(segment.file_offset);
    require(address.has_value() || segment.file_bytes == 0);
  }
  for (const char* name : {".text", ".gnu_debuglink", ".eh_frame", ".note.gnu.build-id"}) {
    std::optional<ElfSection> section = file->readSection(name);
    require(!section || section->bytes.size() <= size);
  }
  for (const ElfSymbols& symbols : {file->readSymbols(), readGoSymbols(*file)})
    for (const ElfSymbol& symbol : symbols.symbols) {
      file->readName(symbols, symbol);
      auto [first, end] = symbols.find(symbols.base + symbol.start);
      require(first <= end && end <= symbols.symbols.size());
    }
  std::vector<ElfRange> tables = findPltTables(*file);
  for (const ElfRange& table : tables)
    for (uint64_t offset = 0; offset < std::min<uint64_t>(table.bytes, 256); offset += 8) {
      std::optional<PltStub> stub = pltStubAt(*file, tables, table.address + offset);
      require(!stub || (!stub->symbol.empty() && stub->start <= table.address + offset));
    }
  findEntryCode(*file);
  readUnwindRows(*file);
  UnwindIndex::open(std::make_shared<const ElfFile>(std::move(*file)));
  return 0;
}
