// The tables for unwinding in the kernel's maps, where the sampler reads them.
#pragma once

#include <cstdint>
#include <vector>

#include "unique_fd.h"
#include "unwind_store.h"

namespace bunsen {

class UnwindMaps : public UnwindStore {
 public:
  static constexpr uint32_t kMaxProcesses = 2048;

  // Bytes of kernel memory when all is full: 20 MB of pages, 8 MB of processes.
  static uint64_t fullBytes();

  // @param shards_fd the map unwind_shards, @param processes_fd the map unwind_processes
  UnwindMaps(int shards_fd, int processes_fd)
      : shards_fd_(shards_fd), processes_fd_(processes_fd) {}

  uint32_t pageLimit() const override;
  uint32_t processLimit() const override { return kMaxProcesses; }
  bool writePage(uint32_t id, const bunsen_unwind_page& page) override;
  bool putProcess(const bunsen_process_key& key, const bunsen_unwind_process& process) override;
  void removeProcess(const bunsen_process_key& key) override;
  void waitForWalks() override;

 private:
  int shards_fd_;
  int processes_fd_;
  std::vector<UniqueFd> shards_;
};

}  // namespace bunsen
