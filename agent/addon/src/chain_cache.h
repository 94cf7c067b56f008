// The caller chains that counts refer to, by their content hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "bunsen.h"

namespace bunsen {

struct Chain {
  std::vector<uint64_t> return_addresses;  // innermost first
  bool truncated = false;
};

// A program stores a chain before it adds to the count, and counts are drained before chains, so a
// count's chain comes in the same drain - or in the one before: if the program found the chain in
// the map, that drain took it out, and the count went to the other counts map. One drain of memory
// would do; kKeptDrains is that and one to spare.
class ChainCache {
 public:
  static constexpr uint32_t kKeptDrains = 2;

  void put(uint64_t id, const bunsen_chain& chain);

  // Returns the chain, valid until the next endDrain(). Null, and counted, if no drain has
  // delivered it: that should never be.
  const Chain* find(uint64_t id);

  // Forgets chains that were not used for kKeptDrains calls of this.
  void endDrain();

  size_t size() const { return chains_.size(); }
  uint64_t missing() const { return missing_; }

 private:
  struct Entry {
    Chain chain;
    uint32_t last_used;
  };
  std::unordered_map<uint64_t, Entry> chains_;
  uint32_t drain_ = 0;
  uint64_t missing_ = 0;
};

}  // namespace bunsen
