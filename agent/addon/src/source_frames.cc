#include "source_frames.h"

#include <algorithm>
#include <cstring>

namespace bunsen {

namespace {

void put(uint32_t number, std::string* bytes) {
  bytes->append(reinterpret_cast<const char*>(&number), sizeof(number));
}

void put(std::string_view text, std::string* bytes) {
  text = text.substr(0, kMaxSourceNameBytes);
  put(static_cast<uint32_t>(text.size()), bytes);
  bytes->append(text);
}

bool take(std::string_view* bytes, uint32_t* number) {
  if (bytes->size() < sizeof(*number)) return false;
  memcpy(number, bytes->data(), sizeof(*number));
  bytes->remove_prefix(sizeof(*number));
  return true;
}

bool take(std::string_view* bytes, std::string* text) {
  uint32_t length;
  if (!take(bytes, &length) || length > kMaxSourceNameBytes || length > bytes->size()) return false;
  *text = bytes->substr(0, length);
  bytes->remove_prefix(length);
  return true;
}

}  // namespace

void encodeSourceFrames(const SourceFrames& frames, std::string* bytes) {
  size_t count = std::min(frames.size(), kMaxSourceFrames);
  put(static_cast<uint32_t>(count), bytes);
  for (size_t i = 0; i < count; i++) {
    put(frames[i].function, bytes);
    put(frames[i].file, bytes);
    put(frames[i].line, bytes);
  }
}

std::optional<std::vector<SourceFrames>> decodeSourceFrames(std::string_view bytes,
                                                            size_t addresses) {
  std::vector<SourceFrames> result(addresses);
  for (SourceFrames& frames : result) {
    uint32_t count;
    if (!take(&bytes, &count) || count > kMaxSourceFrames) return std::nullopt;
    frames.resize(count);
    for (SourceFrame& frame : frames)
      if (!take(&bytes, &frame.function) || !take(&bytes, &frame.file) ||
          !take(&bytes, &frame.line))
        return std::nullopt;
  }
  if (!bytes.empty()) return std::nullopt;
  return result;
}

}  // namespace bunsen
