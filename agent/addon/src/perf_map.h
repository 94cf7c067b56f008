// The /tmp/perf-PID.map files in which JIT runtimes list their code: one line "START SIZE NAME"
// each, both numbers in hexadecimal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "name_table.h"

namespace bunsen {

// Returns the name without what distinguishes the tiers of one function, so that they fold into
// one: "JS:*parse file.js:1:2" (optimised) and "LazyCompile:~parse file.js:1:2" (interpreted) are
// both "parse file.js:1:2". Names without a function in them become "(anonymous)" or "(script)".
// Builtins, bytecode handlers and regular expressions keep their prefix.
std::string simplifyJitName(std::string_view name);

// What perf maps had that is not used.
struct PerfMapFigures {
  uint64_t lines_skipped = 0;  // that are malformed
  uint64_t cut = 0;            // maps that are longer than PerfMap::kLimitBytes
};

class PerfMap {
 public:
  explicit PerfMap(PerfMapFigures* figures) : figures_(figures) {}

  // Adds complete lines; a partial last line is kept until the rest of it comes. Lines that cannot
  // be parsed are skipped. Code that a runtime put where older code had been replaces it.
  void append(std::string_view text);

  // Returns the function that holds the address, adding it to `names` at its first use.
  // False if there is none.
  bool find(uint64_t address, NameTable* names, MappingIndex mapping, FunctionIndex* function);

  // Reads what was written to the file since the last call, at most kLimitBytes in all.
  // Returns whether there was anything new.
  bool readNewLines(uint32_t pid);

  size_t size() const { return entries_.size(); }

  static constexpr size_t kLimitBytes = 16 << 20;

 private:
  struct Entry {
    uint64_t start;
    uint32_t size;
    uint32_t order;  // position in the file: the highest wins
    uint32_t name_offset;
    FunctionIndex function;  // kUnresolved until its first use
  };
  static constexpr FunctionIndex kUnresolved = UINT32_MAX;

  // False for a line that is malformed.
  bool addLine(std::string_view line);
  void countLine(std::string_view line);
  void sortNew();

  PerfMapFigures* figures_;
  std::vector<Entry> entries_;  // the first sorted_ by start, then new ones
  size_t sorted_ = 0;
  uint32_t next_order_ = 0;
  std::string name_bytes_;  // NUL-terminated
  std::string partial_line_;
  uint64_t file_offset_ = 0;
  uint64_t file_inode_ = 0;
  bool is_cut_ = false;
};

}  // namespace bunsen
