// What frames are called: strings, mappings and functions, each stored once and referred to by
// index. The tables only grow; their owner starts new ones when sizeBytes() says so.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace bunsen {

using StringIndex = uint32_t;
using MappingIndex = uint32_t;
using FunctionIndex = uint32_t;

// The values cross to JavaScript.
enum class MappingKind : uint8_t {
  kUserElf = 0,
  kKernel = 1,
  kKernelModule = 2,
  kJit = 3,
  kOther = 4,  // vdso, anonymous memory, unknown
};

struct MappingName {
  StringIndex file;
  StringIndex build_id;  // hex, "" if there is none
  MappingKind kind;
};

struct FunctionName {
  StringIndex name;         // demangled
  StringIndex system_name;  // as in the symbol table
  MappingIndex mapping;
  uint64_t address;  // of the symbol; of the frame itself if it has no symbol
  StringIndex file;  // of the source, "" if unknown
  uint32_t line;     // 0 if unknown
};

class NameTable {
 public:
  NameTable();  // string 0 is ""

  StringIndex addString(std::string_view text);
  MappingIndex addMapping(std::string_view file, std::string_view build_id, MappingKind kind);

  // Same name, mapping and line, same function: the first system name and address stay.
  FunctionIndex addFunction(std::string_view name, std::string_view system_name,
                            MappingIndex mapping, uint64_t address, std::string_view file = "",
                            uint32_t line = 0);

  std::string_view string(StringIndex index) const { return strings_[index]; }
  const MappingName& mapping(MappingIndex index) const { return mappings_[index]; }
  const FunctionName& function(FunctionIndex index) const { return functions_[index]; }
  size_t stringCount() const { return strings_.size(); }
  size_t mappingCount() const { return mappings_.size(); }
  size_t functionCount() const { return functions_.size(); }

  // Memory held, roughly.
  size_t sizeBytes() const;

 private:
  // What tells functions apart: mapping, name, file, line.
  using FunctionKey = std::array<uint32_t, 4>;
  struct FunctionHash {
    size_t operator()(const FunctionKey& key) const;
  };

  std::string_view store(std::string_view text);

  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t block_left_ = 0;
  size_t stored_bytes_ = 0;
  std::vector<std::string_view> strings_;
  std::unordered_map<std::string_view, StringIndex> string_index_;
  std::vector<MappingName> mappings_;
  std::vector<FunctionName> functions_;
  std::unordered_map<FunctionKey, FunctionIndex, FunctionHash> function_index_;
};

}  // namespace bunsen
