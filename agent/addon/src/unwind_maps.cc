#include "unwind_maps.h"

#include <bpf/bpf.h>

namespace bunsen {

uint64_t UnwindMaps::fullBytes(uint32_t processes) {
  uint64_t pages = uint64_t{BUNSEN_UNWIND_MAX_SHARDS} * BUNSEN_UNWIND_SHARD_PAGES;
  // The kernel rounds the element of a process, 3,144 bytes, up to a page.
  return (pages + processes) * sizeof(bunsen_unwind_page);
}

uint32_t UnwindMaps::pageLimit() const {
  return BUNSEN_UNWIND_MAX_SHARDS * BUNSEN_UNWIND_SHARD_PAGES;
}

bool UnwindMaps::writePage(uint32_t id, const bunsen_unwind_page& page) {
  uint32_t shard = id / BUNSEN_UNWIND_SHARD_PAGES;
  uint32_t slot = id % BUNSEN_UNWIND_SHARD_PAGES;
  while (shards_.size() <= shard) {
    UniqueFd fd(bpf_map_create(BPF_MAP_TYPE_ARRAY, "unwind_shard", sizeof(uint32_t),
                               sizeof(bunsen_unwind_page), BUNSEN_UNWIND_SHARD_PAGES, nullptr));
    auto place = static_cast<uint32_t>(shards_.size());
    int value = fd.get();
    if (!fd || bpf_map_update_elem(shards_fd_, &place, &value, BPF_ANY)) return false;
    shards_.push_back(std::move(fd));
  }
  return bpf_map_update_elem(shards_[shard].get(), &slot, &page, BPF_ANY) == 0;
}

bool UnwindMaps::putProcess(const bunsen_process_key& key, const bunsen_unwind_process& process) {
  return bpf_map_update_elem(processes_fd_, &key, &process, BPF_ANY) == 0;
}

void UnwindMaps::removeProcess(const bunsen_process_key& key) {
  bpf_map_delete_elem(processes_fd_, &key);
}

void UnwindMaps::waitForWalks() {
  if (shards_.empty()) return;
  // As in BpfSession::swapCounts(): an update of a map of maps ends with an RCU grace period.
  uint32_t first = 0;
  int fd = shards_[0].get();
  bpf_map_update_elem(shards_fd_, &first, &fd, BPF_ANY);
}

}  // namespace bunsen
