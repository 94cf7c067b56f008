// Where functions begin and end, as a file's call frame information says it: also of those that no
// symbol names.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "eh_frame_header.h"
#include "elf_file.h"

namespace bunsen {

struct CodeRange {
  uint64_t start;
  uint64_t end;

  bool contains(uint64_t address) const { return address >= start && address < end; }
};

class FunctionRanges {
 public:
  // Nothing if the file does not list its functions in .eh_frame_hdr.
  static std::optional<FunctionRanges> open(std::shared_ptr<const ElfFile> file);

  // Returns the function that holds the address, if one does: of a function that the compiler has
  // split, the part. Reads it from the file, some twenty times 8 bytes; nothing is kept.
  std::optional<CodeRange> find(uint64_t address) const;

 private:
  std::shared_ptr<const ElfFile> file_;
  EhFrameHeader header_;
  ElfRange eh_frame_ = {};
};

}  // namespace bunsen
