// The processes whose stacks are unwound by tables: their mappings in the store, the newest first
// to stay.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "unwind_modules.h"
#include "unwind_store.h"

namespace bunsen {

// Figures about the tables, see README.md.
struct UnwindFigures {
  uint64_t table_bytes = 0;
  uint64_t modules = 0;
  uint64_t processes = 0;
  uint64_t reads = 0;
  uint64_t evicted = 0;
  uint64_t refused = 0;
  uint64_t parts_read = 0;
};

// Used by one thread. Times are of any clock that does not go back.
class UnwindTables {
 public:
  // A process without a sample in this time is forgotten; its next sample asks for it again.
  static constexpr uint64_t kForgetProcessMs = 60'000;
  // How long a process' mappings are not read again: at first, and after they had not changed again
  // and again.
  static constexpr uint64_t kMinRereadMs = 10;
  static constexpr uint64_t kMaxRereadMs = 4'000;

  explicit UnwindTables(UnwindStore* store,
                        uint64_t large_file_bytes = UnwindModules::kLargeFileBytes);

  // Reads the process' mappings, reads the rows of modules that are new, and puts all in the store.
  // Does nothing if that was done a moment ago, or the process is gone.
  void read(const bunsen_process_key& key, uint64_t now_ms);

  // Reads the rows of the part of a large file that the process has mapped at the address.
  void readPart(const bunsen_process_key& key, uint64_t address, uint64_t now_ms);

  // Says that the process has been sampled.
  void use(const bunsen_process_key& key, uint64_t now_ms);

  void forgetUnused(uint64_t now_ms);

  UnwindFigures figures() const;

 private:
  struct Less {
    bool operator()(const bunsen_process_key& left, const bunsen_process_key& right) const;
  };
  struct KnownProcess {
    bunsen_unwind_process mappings = {};
    std::vector<std::shared_ptr<UnwindModule>> modules;
    uint64_t last_used_ms = 0;
    uint64_t read_again_ms = 0;
    uint64_t reread_ms = kMinRereadMs;
  };

  void fill(uint32_t pid, const std::string& maps, KnownProcess* process, uint64_t now_ms);
  void release(const UnwindModule* module);
  void forgetOldest();

  UnwindStore* store_;
  std::map<bunsen_process_key, KnownProcess, Less> processes_;
  UnwindModules modules_;
  uint32_t last_serial_ = 0;
  uint64_t reads_ = 0;
};

}  // namespace bunsen
