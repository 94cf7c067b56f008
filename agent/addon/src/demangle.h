// Readable names of C++ and Rust symbols.
#pragma once

#include <string>

namespace bunsen {

// Returns the demangled name, with C++ parameter lists (overloads are different functions) and
// without Rust's hashes; the name itself if it is not mangled. Compiler suffixes such as
// ".constprop.0" are kept as "[clone .constprop.0]".
std::string demangle(const std::string& symbol);

}  // namespace bunsen
