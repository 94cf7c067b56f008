#include "eh_frame_header.h"

#include "cfi_reader.h"

namespace bunsen {

namespace {

// What every linker writes: a count of four bytes, and a sorted table of pairs of four bytes, both
// relative to the section.
constexpr uint8_t kCountEncoding = 0x03;
constexpr uint8_t kTableEncoding = 0x3b;
constexpr size_t kHeaderBytes = 12;
// Far above any real file. What a damaged one says must not cost more memory or time than this.
constexpr uint32_t kMaxFunctions = 8 << 20;

}  // namespace

std::optional<EhFrameHeader> EhFrameHeader::open(const ElfFile& file) {
  std::optional<ElfRange> range = file.findSectionRange(".eh_frame_hdr");
  char bytes[kHeaderBytes];
  if (!range || range->bytes < kHeaderBytes ||
      !file.readAt(range->file_offset, bytes, sizeof(bytes)))
    return std::nullopt;
  CfiReader reader(std::string_view(bytes, sizeof(bytes)));
  auto version = reader.number<uint8_t>();
  reader.number<uint8_t>();  // how the address of .eh_frame is written; its header says that, too
  auto count_encoding = reader.number<uint8_t>();
  auto table_encoding = reader.number<uint8_t>();
  reader.number<uint32_t>();
  EhFrameHeader header;
  header.address_ = range->address;
  header.first_offset_ = range->file_offset + kHeaderBytes;
  header.size_ = reader.number<uint32_t>();
  if (version != 1 || count_encoding != kCountEncoding || table_encoding != kTableEncoding ||
      header.size_ == 0 || header.size_ > kMaxFunctions ||
      (range->bytes - kHeaderBytes) / sizeof(Entry) < header.size_)
    return std::nullopt;
  return header;
}

std::vector<EhFrameHeader::Entry> EhFrameHeader::read(const ElfFile& file, uint32_t first,
                                                      uint32_t count) const {
  std::vector<Entry> entries(count);
  uint64_t offset = first_offset_ + uint64_t{first} * sizeof(Entry);
  if (!file.readAt(offset, entries.data(), entries.size() * sizeof(Entry))) entries.clear();
  return entries;
}

}  // namespace bunsen
