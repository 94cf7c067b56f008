// The rows of a large file, read part by part when samples hit them: ClickHouse's six million rows
// would take 46 MB, but samples hit few places of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "eh_frame_header.h"
#include "elf_file.h"
#include "unwind_rows.h"

namespace bunsen {

class UnwindIndex {
 public:
  // Nothing if the file does not list its functions in .eh_frame_hdr, as linkers make it.
  static std::optional<UnwindIndex> open(std::shared_ptr<const ElfFile> file);

  // The file's lowest code, from which rows and parts count.
  uint64_t base() const { return base_; }
  size_t size() const { return parts_.size(); }
  // A part reaches up to the next one's start.
  uint32_t start(size_t part) const { return parts_[part].start; }
  // Returns the part that holds this, if one does.
  std::optional<size_t> find(uint64_t from_base) const;

  // Returns the part's rows. They fit in a page; should they not, the last one is
  // BUNSEN_CFA_UNKNOWN.
  UnwindRows read(size_t part) const;

 private:
  struct Part {
    uint32_t start;
    uint32_t first_function;  // in the table of .eh_frame_hdr; the part may begin inside it
  };

  explicit UnwindIndex(std::shared_ptr<const ElfFile> file) : file_(std::move(file)) {}
  bool readTable();

  std::shared_ptr<const ElfFile> file_;
  uint64_t base_ = 0;
  EhFrameHeader header_;
  std::vector<Part> parts_;  // by start
};

}  // namespace bunsen
