// Names of kernel functions, from /proc/kallsyms.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "name_table.h"

namespace bunsen {

class KernelSymbols {
 public:
  explicit KernelSymbols(NameTable* names) : names_(names) {}

  // Returns the function that holds the address, "[kernel]+0xADDRESS" if none does. Reads the
  // symbols at its first use.
  FunctionIndex functionAt(uint64_t address);

  // Adds the text symbols of a piece of kallsyms, which may end within a line.
  void append(std::string_view text);
  // Must follow the last append().
  void finish();

  // Checks whether modules came or went since the symbols were read; if so, they are read again at
  // their next use. The same after kMaxAgeWindows calls, for JIT-compiled BPF programs.
  void endWindow();

  // The kernel hides the addresses (kernel.kptr_restrict) from this process. Any thread.
  bool hidden() const { return hidden_; }
  size_t size() const { return symbols_.size(); }

  static constexpr uint32_t kMaxAgeWindows = 40;

 private:
  struct Symbol {
    uint64_t start;
    uint32_t name_offset;
    uint16_t module;  // index into modules_
  };

  void load();
  void addLine(std::string_view line);
  uint16_t moduleIndex(std::string_view name);
  FunctionIndex resolve(uint64_t address);

  NameTable* names_;
  std::vector<Symbol> symbols_;
  std::string name_bytes_;  // NUL-terminated
  std::string partial_line_;
  std::vector<MappingIndex> modules_;  // 0 is the kernel itself
  std::vector<std::string> module_names_;
  std::unordered_map<uint64_t, FunctionIndex> functions_;  // by address
  std::string loaded_modules_;                             // content of /proc/modules at load()
  uint32_t age_windows_ = 0;
  bool loaded_ = false;
  bool any_address_ = false;
  std::atomic<bool> hidden_{false};
};

}  // namespace bunsen
