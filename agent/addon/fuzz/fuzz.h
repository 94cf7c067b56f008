// What the targets have in common. A target gets any bytes, and must neither break nor hang nor
// take more memory than libFuzzer is told to allow.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "elf_file.h"
#include "elf_image.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size);

namespace bunsen::fuzz {

inline std::string_view textOf(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

inline std::optional<ElfFile> openImage(const std::string& image) {
  return ElfFile::open(test::makeFile(image));
}

// What a result promises. In the shipped code, breaking it would go unnoticed.
inline void require(bool holds) {
  if (!holds) abort();
}

}  // namespace bunsen::fuzz
