// Go's table of functions.
#include "fuzz.h"
#include "go_symbols.h"

using namespace bunsen;
using namespace bunsen::fuzz;

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  std::string image = test::makeElfOfSections(
      {{".gopclntab", 0x5000, std::string(textOf(bytes, size))}, {".text", 0x1000, "code"}});
  std::optional<ElfFile> file = openImage(image);
  ElfSymbols symbols = readGoSymbols(*file);
  require(symbols.sizeBytes() <= 2 * size + 64);
  for (const ElfSymbol& symbol : symbols.symbols) {
    file->readName(symbols, symbol);
    auto [first, end] = symbols.find(symbols.base + symbol.start);
    require(first <= end && end <= symbols.symbols.size());
  }
  return 0;
}
