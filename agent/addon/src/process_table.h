// The processes that samples come from. A process is (pid, start time, exec): a reused pid and a
// process that executed another file are other processes, with other mappings.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "address_space.h"
#include "bunsen.h"
#include "module_table.h"
#include "name_table.h"
#include "task_history.h"
#include "window.h"

namespace bunsen {

// What is read of each process besides its code, its name and its control group.
struct ProcessTags {
  bool command_line = false;
  std::vector<std::string> variables;  // of its environment, by name; no other leaves the addon
};

struct Process {
  Process(uint32_t pid, uint64_t start_ticks, ModuleTable* modules, NameTable* names,
          PerfMapFigures* perf_maps)
      : code(pid, start_ticks, modules, names, perf_maps) {}

  uint64_t start_boottime_ns = 0;
  uint32_t exec_id = 0;
  WindowProcess description;
  AddressSpace code;
  uint32_t window_index = 0;  // in the window `last_window`
  uint32_t last_window = UINT32_MAX;
  uint32_t last_drain = UINT32_MAX;
  uint64_t cgroup_id = 0;
  bool may_have_changed = true;  // since it was read
  bool has_tags = false;

  bool gone() const { return description.flags & kProcessGone; }
};

class ProcessTable {
 public:
  // @param history of processes, for those that are gone when they are first found
  ProcessTable(ModuleTable* modules, NameTable* names, const TaskHistory* history,
               const ProcessTags* tags, PerfMapFigures* perf_maps)
      : modules_(modules), names_(names), history_(history), tags_(tags), perf_maps_(perf_maps) {}

  // Returns the process of a sample, read from /proc if it is new. It is read again at its first
  // sample in a window if it may have changed, and in every kReadAgainWindows-th: not all that
  // changes is told. Within one drain the samples of one pid must come latest exec first.
  Process* find(const bunsen_sample_key& key, Window* window);

  // Says that these processes may have mapped other code or have other names.
  void markChanged(const std::unordered_set<uint32_t>& pids);
  // Says that nobody knows which have.
  void markAllChanged();

  void beginDrain();

  // Forgets processes without a sample in the last kKeptWindows calls of this.
  void endWindow();

  size_t size() const { return processes_; }
  // Processes that find() has met for the first time, since the table exists.
  uint64_t created() const { return created_; }
  // Those of them that were gone, but known from the kernel's records.
  uint64_t recorded() const { return recorded_; }

  static constexpr uint32_t kKeptWindows = 2;
  static constexpr uint32_t kReadAgainWindows = 8;

 private:
  bool mustRead(const Process& process, const bunsen_sample_key& key) const;
  void read(Process* process, const bunsen_sample_key& key);
  void readRecords(Process* process, const bunsen_sample_key& key);
  std::string readCommandLine(uint32_t pid) const;
  std::string readEnvironment(uint32_t pid) const;
  bool isSuperseded(const bunsen_sample_key& key) const;

  ModuleTable* modules_;
  NameTable* names_;
  const TaskHistory* history_;
  const ProcessTags* tags_;
  PerfMapFigures* perf_maps_;
  std::unordered_map<uint32_t, std::vector<std::unique_ptr<Process>>> by_pid_;
  size_t processes_ = 0;
  uint64_t created_ = 0;
  uint64_t recorded_ = 0;
  uint32_t window_ = 0;
  uint32_t drain_ = 0;
};

}  // namespace bunsen
