#include "cfi_section.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <unordered_map>

#include "cfi_reader.h"

namespace bunsen {

namespace {

// One entry, common or of a function, behind its length.
struct Entry {
  std::string_view bytes;  // the identifier and what follows
  uint64_t offset;         // of those bytes in the section
  uint64_t id;
  size_t id_bytes;
};

// Returns so many of the section's bytes from an offset on, or those up to its end.
using View = std::function<std::string_view(uint64_t offset, uint64_t bytes)>;

constexpr uint64_t kLongestLength = 12;  // of the number that an entry begins with
constexpr uint64_t kLongestEntry = 1 << 20;

class Parser {
 public:
  Parser(View view, uint64_t address, CfiFormat format)
      : view_(std::move(view)), address_(address), format_(format) {}

  CfiSection parse() {
    uint64_t at = 0;
    while (std::optional<Entry> entry = entryAt(at)) {
      at = entry->offset + entry->bytes.size();
      // An empty one ends .eh_frame, but linked objects may leave one in the middle.
      if (!entry->bytes.empty() && !isCommon(*entry)) addFunction(*entry);
    }
    return finish();
  }

  CfiSection parseAt(const std::vector<uint64_t>& addresses) {
    for (uint64_t address : addresses) {
      std::optional<Entry> entry = entryAt(address - address_);
      if (entry && !entry->bytes.empty() && !isCommon(*entry)) addFunction(*entry);
    }
    return finish();
  }

 private:
  CfiSection finish() {
    std::stable_sort(
        section_.functions.begin(), section_.functions.end(),
        [](const CfiFunction& left, const CfiFunction& right) { return left.start < right.start; });
    return std::move(section_);
  }

  // Returns the entry at this offset, if there is one. It may be empty.
  std::optional<Entry> entryAt(uint64_t at) const {
    CfiReader reader(view_(at, kLongestLength));
    uint64_t length = reader.number<uint32_t>();
    bool is_64_bit = length == 0xffffffff;
    if (is_64_bit) length = reader.number<uint64_t>();
    if (reader.failed() || length > kLongestEntry) return std::nullopt;
    uint64_t offset = at + reader.position();
    Entry entry = {view_(offset, length), offset, 0, 4};
    if (entry.bytes.size() < length) return std::nullopt;
    if (length == 0) return entry;
    // In .eh_frame the identifier has four bytes even where the length has more.
    if (is_64_bit && format_ == CfiFormat::kDebugFrame) entry.id_bytes = 8;
    CfiReader id(entry.bytes);
    entry.id = entry.id_bytes == 8 ? id.number<uint64_t>() : id.number<uint32_t>();
    if (id.failed()) return std::nullopt;
    return entry;
  }

  bool isCommon(const Entry& entry) const {
    if (format_ == CfiFormat::kEhFrame) return entry.id == 0;
    return entry.id == (entry.id_bytes == 8 ? UINT64_MAX : UINT32_MAX);
  }

  void addFunction(const Entry& entry) {
    // .eh_frame counts back from the identifier, .debug_frame on from the section's start.
    uint64_t common_at = format_ == CfiFormat::kEhFrame ? entry.offset - entry.id : entry.id;
    std::optional<uint32_t> common = commonAt(common_at);
    if (!common) return;
    const CfiCommon& shared = section_.commons[*common];

    CfiReader reader(entry.bytes, address_ + entry.offset);
    reader.take(entry.id_bytes);
    CfiFunction function = {};
    function.common = *common;
    function.start = reader.pointer(shared.pointer_encoding);
    function.end = function.start + reader.unbased(shared.pointer_encoding);
    if (shared.has_augmentation_data) reader.take(reader.unsignedLeb());
    function.instructions = entry.bytes.substr(std::min(reader.position(), entry.bytes.size()));
    // The linker leaves entries of functions it has dropped, at address 0.
    if (reader.failed() || function.start == 0 || function.end <= function.start) return;
    section_.functions.push_back(function);
  }

  // Returns the place in `commons` of the entry at this offset.
  std::optional<uint32_t> commonAt(uint64_t at) {
    auto known = common_by_offset_.find(at);
    if (known != common_by_offset_.end()) return known->second;
    std::optional<uint32_t> place;
    std::optional<Entry> entry = entryAt(at);
    std::optional<CfiCommon> common =
        entry && isCommon(*entry) ? parseCommon(*entry) : std::nullopt;
    if (common) {
      place = static_cast<uint32_t>(section_.commons.size());
      section_.commons.push_back(*common);
    }
    common_by_offset_.emplace(at, place);
    return place;
  }

  std::optional<CfiCommon> parseCommon(const Entry& entry) const {
    CfiReader reader(entry.bytes, address_ + entry.offset);
    reader.take(entry.id_bytes);
    CfiCommon common;
    auto version = reader.number<uint8_t>();
    std::string_view augmentation = reader.string();
    if (version >= 4) {
      if (reader.number<uint8_t>() != 8) return std::nullopt;  // bytes of an address
      if (reader.number<uint8_t>() != 0) return std::nullopt;  // bytes of a segment selector
    }
    common.code_alignment = reader.unsignedLeb();
    common.data_alignment = reader.signedLeb();
    uint64_t return_register = version == 1 ? reader.number<uint8_t>() : reader.unsignedLeb();
    if (return_register != 16) return std::nullopt;
    if (!augmentation.empty() && !parseAugmentation(augmentation, &reader, &common))
      return std::nullopt;
    if (reader.failed()) return std::nullopt;
    common.instructions = entry.bytes.substr(reader.position());
    return common;
  }

  // Without the length that 'z' announces, unknown letters would leave no way to the instructions.
  static bool parseAugmentation(std::string_view letters, CfiReader* reader, CfiCommon* common) {
    if (letters[0] != 'z') return false;
    common->has_augmentation_data = true;
    CfiReader data(reader->take(reader->unsignedLeb()));
    for (char letter : letters.substr(1)) {
      if (letter == 'R') {
        common->pointer_encoding = data.number<uint8_t>();
      } else if (letter == 'P') {
        auto encoding = data.number<uint8_t>();
        // The personality's address is of no use here, so neither is what it is relative to.
        if (encoding != kPointerOmitted) data.unbased(encoding);
      } else if (letter == 'L') {
        data.number<uint8_t>();
      } else if (letter == 'S') {
        common->is_signal_frame = true;
      } else {
        break;
      }
    }
    return !data.failed();
  }

  View view_;
  uint64_t address_;
  CfiFormat format_;
  CfiSection section_;
  std::unordered_map<uint64_t, std::optional<uint32_t>> common_by_offset_;
};

}  // namespace

CfiSection parseCfiSection(std::string_view bytes, uint64_t address, CfiFormat format) {
  auto view = [bytes](uint64_t offset, uint64_t wanted) {
    return offset < bytes.size() ? bytes.substr(offset, wanted) : std::string_view();
  };
  return Parser(view, address, format).parse();
}

std::string_view CfiPieces::view(uint64_t offset, uint64_t bytes) {
  if (offset >= section_.bytes) return {};
  std::string piece(std::min(bytes, section_.bytes - offset), '\0');
  if (!file_.readAt(section_.file_offset + offset, piece.data(), piece.size())) return {};
  return read_.emplace_back(std::move(piece));
}

CfiSection parseCfiFunctions(CfiPieces* pieces, const std::vector<uint64_t>& addresses) {
  auto view = [pieces](uint64_t offset, uint64_t bytes) { return pieces->view(offset, bytes); };
  return Parser(view, pieces->section().address, CfiFormat::kEhFrame).parseAt(addresses);
}

}  // namespace bunsen
