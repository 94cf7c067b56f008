// Takes the samples out of the kernel's maps, so that each is seen exactly once.
#pragma once

#include <cstdint>
#include <vector>

#include "bpf_session.h"
#include "bunsen.h"
#include "chain_cache.h"

namespace bunsen {

struct CountedSample {
  bunsen_sample_key key;
  uint64_t count;
};

class SampleDrain {
 public:
  explicit SampleDrain(BpfSession* session) : session_(session) {}

  // Empties the counts, then the chains that they refer to. The counts are handed out, the chains
  // go to `chains`. Counts that were read before an error stay here for the next call. Throws
  // SamplerError BUNSEN_DRAIN.
  std::vector<CountedSample> drain(ChainCache* chains);

 private:
  void drainCounts();
  void drainChains(ChainCache* chains);

  BpfSession* session_;
  std::vector<CountedSample> counted_;
};

}  // namespace bunsen
