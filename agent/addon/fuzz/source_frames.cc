// What the process that reads debug information says.
#include "source_frames.h"

#include "fuzz.h"

using namespace bunsen;
using namespace bunsen::fuzz;

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  std::string_view text = textOf(bytes + 1, size - 1);
  auto decoded = decodeSourceFrames(text, bytes[0]);
  if (!decoded) return 0;
  std::string again;
  for (const SourceFrames& frames : *decoded) encodeSourceFrames(frames, &again);
  require(again == text);
  return 0;
}
