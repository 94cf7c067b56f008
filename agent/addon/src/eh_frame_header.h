// .eh_frame_hdr: the list of a file's functions, in order of address, by which exceptions find the
// call frame information of each.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "elf_file.h"

namespace bunsen {

class EhFrameHeader {
 public:
  // Both are relative to the section.
  struct Entry {
    int32_t code;   // where the function is
    int32_t entry;  // where its call frame information is, in .eh_frame
  };

  // Nothing if the file has none, or not the format that every linker writes.
  static std::optional<EhFrameHeader> open(const ElfFile& file);

  // Functions in the list; at least one.
  uint32_t size() const { return size_; }

  // Returns so many entries; none if the file does not hold all of them any more.
  std::vector<Entry> read(const ElfFile& file, uint32_t first, uint32_t count) const;

  // Returns the virtual address that an entry means.
  uint64_t addressOf(int32_t relative) const {
    return address_ + static_cast<uint64_t>(int64_t{relative});
  }

 private:
  uint64_t address_ = 0;
  uint64_t first_offset_ = 0;  // of the first entry, in the file
  uint32_t size_ = 0;
};

}  // namespace bunsen
