// The rows of executable files in the store's pages, shared by all processes that map the file, or
// copies of it with one build ID.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "elf_file.h"
#include "mappings.h"
#include "unwind_rows.h"
#include "unwind_store.h"

namespace bunsen {

// One file's code. Without rows (height 0) its frames are left by frame pointer.
struct UnwindModule {
  std::vector<ElfSegment> segments;
  uint64_t base = 0;
  uint32_t root = 0;
  uint32_t height = 0;
  std::vector<uint32_t> pages;
  uint64_t last_used_ms = 0;
  uint64_t refused_until_ms = 0;  // there are rows, but there was no room for them
};

class UnwindModules {
 public:
  // A module that was used in this time is not given up for another: that would only go on and on.
  static constexpr uint64_t kMinUnusedMs = 30'000;
  // How long an unused file is remembered.
  static constexpr uint64_t kForgetFileMs = 60'000;
  // How long the rows of a refused module are not read again.
  static constexpr uint64_t kRefusedMs = 60'000;

  // Called before a module's pages are given to another: no process may refer to it afterwards.
  using Release = std::function<void(const UnwindModule*)>;

  UnwindModules(UnwindStore* store, Release release)
      : store_(store), release_(std::move(release)) {}

  // Returns the module behind a mapping, null if there is none.
  std::shared_ptr<UnwindModule> open(uint32_t pid, const Mapping& mapping, uint64_t now_ms);

  // Forgets files that were not used lately. Their rows stay while there is room.
  void forgetUnused(uint64_t now_ms);

  size_t size() const { return by_content_.size(); }
  uint64_t usedPages() const { return next_page_ - 1 - free_pages_.size(); }
  uint64_t evicted() const { return evicted_; }
  uint64_t refused() const { return refused_; }

 private:
  struct KnownFile {
    std::shared_ptr<UnwindModule> module;
    uint64_t last_used_ms;
  };

  std::shared_ptr<UnwindModule> read(uint32_t pid, const Mapping& mapping, const std::string& file,
                                     uint64_t now_ms);
  void store(const UnwindRows& rows, UnwindModule* module, uint64_t now_ms);
  bool writeTree(const UnwindRows& rows, UnwindModule* module);
  bool makeRoom(size_t pages, uint64_t now_ms);
  uint32_t takePage();
  void givePagesBack(UnwindModule* module);

  UnwindStore* store_;
  Release release_;
  std::unordered_map<std::string, KnownFile> by_file_;
  std::unordered_map<std::string, std::shared_ptr<UnwindModule>> by_content_;
  std::vector<uint32_t> free_pages_;
  uint32_t next_page_ = 1;
  uint64_t evicted_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace bunsen
