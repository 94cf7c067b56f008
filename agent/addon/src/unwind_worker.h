// The thread that answers the sampler's requests for tables. It alone touches them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "unique_fd.h"
#include "unwind_maps.h"
#include "unwind_tables.h"

struct ring_buffer;

namespace bunsen {

class UnwindWorker {
 public:
  // Starts the thread. @param requests_fd the map unwind_requests
  UnwindWorker(int requests_fd, int shards_fd, int processes_fd, uint32_t process_limit);
  ~UnwindWorker();
  UnwindWorker(const UnwindWorker&) = delete;
  UnwindWorker& operator=(const UnwindWorker&) = delete;

  // Says which processes have been sampled since the last call.
  void sampled(const std::vector<bunsen_process_key>& processes);

  // Any thread. The slowest answer is the time from a sample's request to the tables in the kernel.
  UnwindFigures figures() const;
  uint64_t slowestAnswerMs() const { return slowest_answer_ms_; }

 private:
  static int takeRequest(void* worker, void* request, size_t bytes);
  void run();
  void wake();

  UnwindMaps maps_;
  UnwindTables tables_{&maps_};
  std::unique_ptr<ring_buffer, void (*)(ring_buffer*)> requests_;
  UniqueFd wake_;
  std::atomic<bool> is_stopping_{false};
  std::atomic<uint64_t> slowest_answer_ms_{0};
  mutable std::mutex mutex_;  // for the two below
  std::vector<bunsen_process_key> sampled_;
  UnwindFigures figures_;
  std::thread thread_;  // last, since it uses the others
};

}  // namespace bunsen
