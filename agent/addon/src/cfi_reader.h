// Reads call frame information byte by byte. What reaches past the end is 0, and remembered.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace bunsen {

// Pointer encodings of .eh_frame (Linux Standard Base, "DWARF Exception Header Encoding").
constexpr uint8_t kPointerOmitted = 0xff;
constexpr uint8_t kPointerAbsolute = 0x00;
constexpr uint8_t kPointerFormat = 0x0f;  // mask
constexpr uint8_t kPointerRelativeToItself = 0x10;
constexpr uint8_t kPointerBase = 0xf0;  // mask

class CfiReader {
 public:
  // @param address of the first byte in the file's own terms, to which pointers are relative
  explicit CfiReader(std::string_view bytes, uint64_t address = 0)
      : bytes_(bytes), address_(address) {}

  bool failed() const { return failed_; }
  bool atEnd() const { return at_ >= bytes_.size(); }
  size_t position() const { return at_; }

  // Returns the next `bytes` bytes.
  std::string_view take(uint64_t bytes) {
    if (bytes > bytes_.size() - at_) {
      fail();
      return {};
    }
    std::string_view taken = bytes_.substr(at_, bytes);
    at_ += bytes;
    return taken;
  }

  template <typename Number>
  Number number() {
    Number value = 0;
    std::string_view bytes = take(sizeof(value));
    if (!bytes.empty()) memcpy(&value, bytes.data(), sizeof(value));
    return value;
  }

  uint64_t unsignedLeb() {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      auto byte = number<uint8_t>();
      if (shift < 64) value |= uint64_t{byte & 0x7fu} << shift;
      if (!(byte & 0x80)) return value;
    }
  }

  int64_t signedLeb() {
    uint64_t value = 0;
    for (unsigned shift = 0;;) {
      auto byte = number<uint8_t>();
      if (shift < 64) value |= uint64_t{byte & 0x7fu} << shift;
      shift += 7;
      if (byte & 0x80) continue;
      if (shift < 64 && byte & 0x40) value |= ~uint64_t{0} << shift;
      return static_cast<int64_t>(value);
    }
  }

  // Returns "" and fails if there is no end to it.
  std::string_view string() {
    size_t length = bytes_.substr(at_).find('\0');
    if (length == std::string_view::npos) {
      fail();
      return {};
    }
    std::string_view text = take(length);
    at_++;
    return text;
  }

  // Fails on encodings that do not occur in executable files.
  uint64_t pointer(uint8_t encoding) {
    if (encoding == kPointerOmitted) return 0;
    uint64_t base = 0;
    if ((encoding & kPointerBase) == kPointerRelativeToItself)
      base = address_ + at_;
    else if ((encoding & kPointerBase) != kPointerAbsolute)
      fail();
    return base + unbased(encoding);
  }

  // The number alone, without what it is relative to: a length.
  uint64_t unbased(uint8_t encoding) {
    switch (encoding & kPointerFormat) {
      case 0x00:
      case 0x04:
      case 0x0c:
        return number<uint64_t>();
      case 0x01:
        return unsignedLeb();
      case 0x02:
        return number<uint16_t>();
      case 0x03:
        return number<uint32_t>();
      case 0x09:
        return static_cast<uint64_t>(signedLeb());
      case 0x0a:
        return static_cast<uint64_t>(int64_t{number<int16_t>()});
      case 0x0b:
        return static_cast<uint64_t>(int64_t{number<int32_t>()});
      default:
        fail();
        return 0;
    }
  }

 private:
  void fail() {
    failed_ = true;
    at_ = bytes_.size();
  }

  std::string_view bytes_;
  uint64_t address_;
  size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace bunsen
