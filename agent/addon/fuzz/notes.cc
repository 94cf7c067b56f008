// ELF notes, among which the build ID is.
#include "fuzz.h"

using namespace bunsen;
using namespace bunsen::fuzz;

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  for (uint64_t alignment : {0, 4, 8})
    require(buildIdOfNotes(textOf(bytes, size), alignment).size() <= 2 * kMaxBuildIdBytes);
  return 0;
}
