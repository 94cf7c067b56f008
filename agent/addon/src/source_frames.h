// What the debug information of a file says of an address, and how it crosses from the process that
// reads it (see lines/).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bunsen {

// One function that was inlined at an address, or the one that all were inlined into.
struct SourceFrame {
  std::string function;  // as in the symbol table if that is known, else its plain name; may be ""
  std::string file;      // path as the compiler was given it; "" if unknown
  uint32_t line = 0;     // where the code is, of callers where the call is; 0 if unknown
};

// Innermost first. The last one is the function itself; empty if nothing is known of the address.
using SourceFrames = std::vector<SourceFrame>;

constexpr size_t kMaxSourceNameBytes = 4096;
constexpr size_t kMaxSourceFrames = 64;

// Appends the frames of one address.
void encodeSourceFrames(const SourceFrames& frames, std::string* bytes);

// Returns the frames of `addresses` addresses. Nothing if the bytes are not those of just so many:
// who wrote them has read a file that anyone may have written.
std::optional<std::vector<SourceFrames>> decodeSourceFrames(std::string_view bytes,
                                                            size_t addresses);

}  // namespace bunsen
