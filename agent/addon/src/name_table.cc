#include "name_table.h"

#include <algorithm>
#include <cstring>

namespace bunsen {

namespace {
constexpr size_t kBlockBytes = 64 << 10;
// Vector and hash node of an element, beside its characters.
constexpr size_t kStringOverheadBytes = 80;
constexpr size_t kFunctionOverheadBytes = 88;
}  // namespace

NameTable::NameTable() { addString(""); }

std::string_view NameTable::store(std::string_view text) {
  if (text.empty()) return "";
  if (text.size() > block_left_) {
    block_left_ = std::max(kBlockBytes, text.size());
    blocks_.emplace_back(new char[block_left_]);
    stored_bytes_ += block_left_;
    // Filled from its end, so that what is left is a prefix.
  }
  block_left_ -= text.size();
  char* at = blocks_.back().get() + block_left_;
  memcpy(at, text.data(), text.size());
  return {at, text.size()};
}

StringIndex NameTable::addString(std::string_view text) {
  auto known = string_index_.find(text);
  if (known != string_index_.end()) return known->second;
  auto index = static_cast<StringIndex>(strings_.size());
  strings_.push_back(store(text));
  string_index_.emplace(strings_.back(), index);
  return index;
}

MappingIndex NameTable::addMapping(std::string_view file, std::string_view build_id,
                                   MappingKind kind) {
  MappingName mapping = {addString(file), addString(build_id), kind};
  // A few hundred modules, each added once.
  for (MappingIndex i = 0; i < mappings_.size(); i++) {
    const MappingName& known = mappings_[i];
    if (known.file == mapping.file && known.build_id == mapping.build_id &&
        known.kind == mapping.kind)
      return i;
  }
  mappings_.push_back(mapping);
  return static_cast<MappingIndex>(mappings_.size() - 1);
}

FunctionIndex NameTable::addFunction(std::string_view name, std::string_view system_name,
                                     MappingIndex mapping, uint64_t address, std::string_view file,
                                     uint32_t line) {
  FunctionKey key = {mapping, addString(name), addString(file), line};
  auto [entry, is_new] =
      function_index_.try_emplace(key, static_cast<FunctionIndex>(functions_.size()));
  if (is_new)
    functions_.push_back({key[1], addString(system_name), mapping, address, key[2], line});
  return entry->second;
}

size_t NameTable::FunctionHash::operator()(const FunctionKey& key) const {
  uint64_t hash = 0;
  for (uint32_t part : key) hash = (hash ^ part) * 0x9E3779B97F4A7C15ull >> 7 ^ hash << 57;
  return hash;
}

size_t NameTable::sizeBytes() const {
  return stored_bytes_ + strings_.size() * kStringOverheadBytes +
         functions_.size() * kFunctionOverheadBytes;
}

}  // namespace bunsen
