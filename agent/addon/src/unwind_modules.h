// The rows of executable files in the store's pages, shared by all processes that map the file, or
// copies of it with one build ID.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "elf_file.h"
#include "mappings.h"
#include "unwind_index.h"
#include "unwind_rows.h"
#include "unwind_store.h"

namespace bunsen {

// One file's code. Without rows (height 0) its frames are left by frame pointer.
struct UnwindModule {
  std::vector<ElfSegment> segments;
  uint64_t base = 0;
  uint32_t root = 0;
  uint32_t height = 0;
  std::vector<uint32_t> pages;  // those above the rows of an index first, in its order
  uint64_t last_used_ms = 0;
  uint64_t refused_until_ms = 0;  // there are rows, but there was no room for them
  // Of a large file, whose rows are read part by part. A part has a page, or
  // BUNSEN_UNWIND_ABSENT_PAGE.
  std::optional<UnwindIndex> index;
  std::vector<uint32_t> part_pages;
  size_t parts_read = 0;
};

class UnwindModules {
  struct TreeRow {
    uint32_t start;
    bunsen_unwind_value value;
  };

 public:
  // A module that was used in this time is not given up for another: that would only go on and on.
  static constexpr uint64_t kMinUnusedMs = 30'000;
  // How long an unused file is remembered.
  static constexpr uint64_t kForgetFileMs = 60'000;
  // How long the rows of a refused module are not read again.
  static constexpr uint64_t kRefusedMs = 60'000;
  // From this much call frame information on, rows are read part by part: 680,000 rows or so.
  static constexpr uint64_t kLargeFileBytes = 4 << 20;
  // Parts of one file that are kept: 8 MB. Then it starts anew, lest it starves the others.
  static constexpr size_t kMaxParts = 2048;

  // Called before a module's pages are given to another: no process may refer to it afterwards.
  using Release = std::function<void(const UnwindModule*)>;

  UnwindModules(UnwindStore* store, uint64_t large_file_bytes, Release release);

  // Returns the module behind a mapping, null if it is no file of native code, or one that cannot
  // be read now.
  std::shared_ptr<UnwindModule> open(uint32_t pid, const Mapping& mapping, uint64_t now_ms);

  // Reads the rows of the part that holds this address of the module, if they are absent.
  // @param from_base in the terms of the module's rows
  void readPart(UnwindModule* module, uint64_t from_base, uint64_t now_ms);

  // Forgets files that were not used lately. Their rows stay while there is room.
  void forgetUnused(uint64_t now_ms);

  size_t size() const { return by_content_.size(); }
  uint64_t usedPages() const { return next_page_ - free_pages_.size(); }
  uint64_t evicted() const { return evicted_; }
  uint64_t refused() const { return refused_; }
  uint64_t partsRead() const { return parts_read_; }

 private:
  struct KnownFile {
    std::shared_ptr<UnwindModule> module;
    uint64_t last_used_ms;
  };

  std::shared_ptr<UnwindModule> read(uint32_t pid, const Mapping& mapping, const std::string& file,
                                     uint64_t now_ms);
  void store(const UnwindRows& rows, UnwindModule* module, uint64_t now_ms);
  void storeIndex(UnwindModule* module, uint64_t now_ms);
  bool writeTree(std::vector<TreeRow> level, uint32_t height, UnwindModule* module);
  void writePartsOf(UnwindModule* module, size_t inner_page);
  void dropParts(UnwindModule* module);
  void refuse(UnwindModule* module, uint64_t now_ms);
  bool makeRoom(size_t pages, uint64_t now_ms);
  uint32_t takePage();
  void givePagesBack(UnwindModule* module);

  static TreeRow rowOf(const UnwindRow& row);
  static bunsen_unwind_page makePage(const TreeRow* rows, size_t used);

  UnwindStore* store_;
  uint64_t large_file_bytes_;
  Release release_;
  std::unordered_map<std::string, KnownFile> by_file_;
  std::unordered_map<std::string, std::shared_ptr<UnwindModule>> by_content_;
  std::vector<uint32_t> free_pages_;
  uint32_t next_page_ = BUNSEN_UNWIND_ABSENT_PAGE + 1;
  uint64_t evicted_ = 0;
  uint64_t refused_ = 0;
  uint64_t parts_read_ = 0;
};

}  // namespace bunsen
