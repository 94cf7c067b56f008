// The kernel's records of processes that begin, execute, map code and end: perf events that sample
// nothing, one for each CPU.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "task_history.h"
#include "unique_fd.h"

namespace bunsen {

class TaskEvents {
 public:
  // @param is_wanted false: as where the kernel refuses
  explicit TaskEvents(bool is_wanted) : is_wanted_(is_wanted) {}
  ~TaskEvents();
  TaskEvents(const TaskEvents&) = delete;
  TaskEvents& operator=(const TaskEvents&) = delete;

  // Listens on CPUs that came online, and no more on those that went. Where the kernel refuses, the
  // names of short-lived processes are missing, and nothing else.
  void followCpus(const std::vector<int>& online);

  // Hands over what has happened since the last call, in order of time.
  void drainInto(TaskHistory* history);

  bool active() const { return !rings_.empty(); }
  // Records that did not fit in the kernel's buffers.
  uint64_t lost() const { return lost_; }

 private:
  struct Ring {
    UniqueFd event;
    void* memory = nullptr;
  };

  bool open(int cpu, Ring* ring);
  void read(Ring* ring);
  void take(uint32_t type, uint16_t misc, std::string_view record);

  std::map<int, Ring> rings_;  // by CPU
  std::vector<TaskEvent> waiting_;
  uint64_t lost_ = 0;
  bool is_wanted_;
};

}  // namespace bunsen
