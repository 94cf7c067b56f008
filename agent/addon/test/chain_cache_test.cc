#include "chain_cache.h"

#include "check.h"

using namespace bunsen;

TEST("chains: kept over the drain after their own, then forgotten; misses are counted") {
  ChainCache cache;
  bunsen_chain chain = {};
  chain.length = 3;
  chain.flags = BUNSEN_CHAIN_TRUNCATED;
  chain.ip[0] = 10;
  chain.ip[2] = 30;
  cache.put(77, chain);
  const Chain* found = cache.find(77);
  CHECK(found && found->return_addresses == (std::vector<uint64_t>{10, 0, 30}));
  CHECK(found && found->truncated);

  for (uint32_t drain = 0; drain < ChainCache::kKeptDrains; drain++) cache.endDrain();
  CHECK(cache.find(77) != nullptr);  // and used again
  for (uint32_t drain = 0; drain < ChainCache::kKeptDrains; drain++) cache.endDrain();
  CHECK_EQ(cache.size(), 1u);
  cache.endDrain();
  CHECK_EQ(cache.size(), 0u);
  CHECK_EQ(cache.missing(), 0u);
  CHECK(cache.find(77) == nullptr);
  CHECK_EQ(cache.missing(), 1u);
}

TEST("chains: a length beyond the array is cut") {
  ChainCache cache;
  bunsen_chain chain = {};
  chain.length = 1'000'000;
  cache.put(1, chain);
  CHECK_EQ(cache.find(1)->return_addresses.size(), size_t{BUNSEN_MAX_FRAMES - 1});
}
