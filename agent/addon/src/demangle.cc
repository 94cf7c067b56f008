#include "demangle.h"

#include <cstdlib>

// Not <demangle.h>: Debian keeps it in a folder of its own.
#include <libiberty/demangle.h>

namespace bunsen {

namespace {

// Longer ones are template expansions that demangle into megabytes.
constexpr size_t kLongestMangled = 4096;
constexpr size_t kLongestDemangled = 4096;

bool isMangled(const std::string& symbol) {
  return symbol.compare(0, 2, "_Z") == 0 || symbol.compare(0, 2, "_R") == 0;
}

}  // namespace

std::string demangle(const std::string& symbol) {
  if (!isMangled(symbol) || symbol.size() > kLongestMangled) return symbol;

  // Rust's legacy names are valid C++ names too, with the hash as their last part: try Rust first.
  char* demangled = rust_demangle(symbol.c_str(), DMGL_NO_OPTS);
  if (!demangled) demangled = cplus_demangle_v3(symbol.c_str(), DMGL_PARAMS | DMGL_ANSI);
  if (!demangled) return symbol;
  std::string name = demangled;
  free(demangled);
  if (name.size() > kLongestDemangled) {
    name.resize(kLongestDemangled);
    name += "...";
  }
  return name;
}

}  // namespace bunsen
