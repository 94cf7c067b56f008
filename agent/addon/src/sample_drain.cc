#include "sample_drain.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "error.h"

namespace bunsen {

namespace {

// Moves all elements of a hash map to `take`, deleting them. One bucket is handed over whole, so a
// batch too small for the fullest bucket (-ENOSPC) is repeated with a larger one.
template <typename Key, typename Value, typename Take>
void drainHashMap(int fd, const char* what, size_t batch_elements, Take take) {
  std::vector<Key> keys(batch_elements);
  std::vector<Value> values(batch_elements);
  uint32_t position = 0;
  bool first = true;
  for (;;) {
    uint32_t next = 0;
    auto count = static_cast<uint32_t>(keys.size());
    int error = bpf_map_lookup_and_delete_batch(fd, first ? nullptr : &position, &next, keys.data(),
                                                values.data(), &count, nullptr);
    if (error && errno == ENOSPC) {
      keys.resize(keys.size() * 2);
      values.resize(values.size() * 2);
      continue;
    }
    if (error && errno != ENOENT)
      throw SamplerError("BUNSEN_DRAIN", errno,
                         std::string("cannot drain the ") + what + " map: " + strerror(errno));
    for (uint32_t i = 0; i < count; i++) take(keys[i], values[i]);
    if (error) return;  // ENOENT: that was the last bucket
    position = next;
    first = false;
  }
}

}  // namespace

std::vector<CountedSample> SampleDrain::drain(ChainCache* chains) {
  drainCounts();
  drainChains(chains);
  return std::exchange(counted_, {});
}

void SampleDrain::drainCounts() {
  drainHashMap<bunsen_sample_key, uint64_t>(session_->swapCounts(), "counts", 512,
                                            [this](const bunsen_sample_key& key, uint64_t count) {
                                              counted_.push_back({key, count});
                                            });
}

void SampleDrain::drainChains(ChainCache* chains) {
  drainHashMap<uint64_t, bunsen_chain>(
      session_->chainsFd(), "chains", 128,
      [chains](uint64_t id, const bunsen_chain& chain) { chains->put(id, chain); });
}

}  // namespace bunsen
