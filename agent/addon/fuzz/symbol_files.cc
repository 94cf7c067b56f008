// Where a stripped file's names are: .gnu_debuglink, of so many bytes as the first one says, and
// .gnu_debugdata, which is the rest.
#include "symbol_files.h"

#include <unistd.h>

#include <algorithm>

#include "fuzz.h"

using namespace bunsen;
using namespace bunsen::fuzz;

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  std::string_view text = textOf(bytes + 1, size - 1);
  size_t link_bytes = std::min<size_t>(bytes[0], text.size());
  std::string image =
      test::makeElfOfSections({{".gnu_debuglink", 0, std::string(text.substr(0, link_bytes))},
                               {".gnu_debugdata", 0, std::string(text.substr(link_bytes))}});
  auto file = std::make_shared<const ElfFile>(std::move(*openImage(image)));
  for (const SymbolFile& each :
       openSymbolFiles(static_cast<uint32_t>(getpid()), "/none/file", file)) {
    ElfSymbols symbols = each.file->readSymbols();
    for (const ElfSymbol& symbol : symbols.symbols) each.file->readName(symbols, symbol);
  }
  return 0;
}
