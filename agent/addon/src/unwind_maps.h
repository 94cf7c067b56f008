// The tables for unwinding in the kernel's maps, where the sampler reads them.
#pragma once

#include <cstdint>
#include <vector>

#include "unique_fd.h"
#include "unwind_store.h"

namespace bunsen {

class UnwindMaps : public UnwindStore {
 public:
  // Bytes of kernel memory when all is full: 20 MB of pages, 4 KB for each process.
  static uint64_t fullBytes(uint32_t processes);

  // @param shards_fd the map unwind_shards, @param processes_fd the map unwind_processes,
  // @param process_limit how many it holds
  UnwindMaps(int shards_fd, int processes_fd, uint32_t process_limit)
      : shards_fd_(shards_fd), processes_fd_(processes_fd), process_limit_(process_limit) {}

  uint32_t pageLimit() const override;
  uint32_t processLimit() const override { return process_limit_; }
  bool writePage(uint32_t id, const bunsen_unwind_page& page) override;
  bool putProcess(const bunsen_process_key& key, const bunsen_unwind_process& process) override;
  void removeProcess(const bunsen_process_key& key) override;
  void waitForWalks() override;

 private:
  int shards_fd_;
  int processes_fd_;
  uint32_t process_limit_;
  std::vector<UniqueFd> shards_;
};

}  // namespace bunsen
