// What processes were and had mapped, from the kernel's own records: for those that are gone before
// anybody could read their /proc.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "mappings.h"

namespace bunsen {

// Times are of CLOCK_BOOTTIME, as start times of processes are.
struct TaskEvent {
  enum Kind : uint8_t { kFork, kExec, kName, kMap, kExit };
  Kind kind = kExit;
  uint64_t time_ns = 0;
  uint32_t pid = 0;
  uint32_t parent = 0;  // kFork
  std::string comm;     // kExec, kName: of the process or one of its threads
  Mapping mapping;      // kMap: of code
};

// What a process ran between its start or an exec, and its end or the next exec.
struct TaskImage {
  std::vector<std::string> comms;  // of its threads; empty: not known, forked by an unknown parent
  std::vector<Mapping> mappings;   // by address
  std::string executable;          // the file that was mapped first
  // Begun by a fork of `parent`, whose mappings it shares, and these are not among `mappings`.
  bool is_parents = false;
  uint32_t parent = 0;

  bool hasComm(std::string_view comm) const;
};

class TaskHistory {
 public:
  // How long a process is remembered after its last record or, if it goes on, its /proc is there.
  static constexpr uint64_t kKeptNs = 20'000'000'000;
  // Records of mappings that are kept: some 10 MB. Beyond, the oldest processes are forgotten.
  static constexpr size_t kMaxMappings = 50'000;

  // Events must come in order of time.
  void add(TaskEvent event);

  // Returns what the process ran whose sampled thread had this name; null if nothing is known of
  // it. Of several images with the name the latest. Valid until the next call of another function.
  const TaskImage* find(uint32_t pid, uint64_t start_boottime_ns, std::string_view comm) const;

  // Returns the pids whose code or name may be another since the last call.
  std::unordered_set<uint32_t> takeChanged();

  // Forgets who is not needed any more.
  void forget(uint64_t now_ns);

  size_t size() const { return tasks_.size(); }

 private:
  struct Task {
    uint64_t last_event_ns = 0;
    std::vector<TaskImage> images;
  };
  // By pid and time of the fork's record, which comes just after the start time; 0 for those that
  // were there before the records began.
  using Id = std::pair<uint32_t, uint64_t>;

  // Returns the latest process with the pid, null if there is none.
  Task* latest(uint32_t pid);
  Task& latestOrNew(uint32_t pid);
  void fork(const TaskEvent& event);
  void map(TaskImage* image, Mapping mapping);
  std::map<Id, Task>::iterator erase(std::map<Id, Task>::iterator task);

  std::map<Id, Task> tasks_;
  std::unordered_set<uint32_t> changed_;
  size_t mappings_ = 0;
};

}  // namespace bunsen
