#include "chain_cache.h"

#include <algorithm>

namespace bunsen {

void ChainCache::put(uint64_t id, const bunsen_chain& chain) {
  auto [entry, is_new] = chains_.try_emplace(id);
  entry->second.last_used = drain_;
  if (!is_new) return;  // same hash, same content
  size_t length = std::min<size_t>(chain.length, BUNSEN_MAX_FRAMES - 1);
  entry->second.chain.return_addresses.assign(chain.ip, chain.ip + length);
  entry->second.chain.truncated = chain.flags & BUNSEN_CHAIN_TRUNCATED;
}

const Chain* ChainCache::find(uint64_t id) {
  auto entry = chains_.find(id);
  if (entry == chains_.end()) {
    missing_++;
    return nullptr;
  }
  entry->second.last_used = drain_;
  return &entry->second.chain;
}

void ChainCache::endDrain() {
  drain_++;
  for (auto entry = chains_.begin(); entry != chains_.end();) {
    if (drain_ - entry->second.last_used > kKeptDrains)
      entry = chains_.erase(entry);
    else
      ++entry;
  }
}

}  // namespace bunsen
