// The executable files that processes map, shared between all processes: names of their functions
// by address.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "elf_file.h"
#include "mappings.h"
#include "name_table.h"
#include "symbol_files.h"

namespace bunsen {

class ModuleTable;

// One file's code. Functions are named when they are first asked for.
class Module {
 public:
  // @param pid a process that maps the file at `path`, for its debug file
  Module(ModuleTable* table, std::shared_ptr<const ElfFile> file, MappingIndex mapping,
         uint32_t pid, std::string path);

  // Returns the function at this offset of the file: by its symbol, else "FILE+0xADDRESS" with the
  // virtual address (the offset itself if the file could not be read).
  FunctionIndex functionAt(uint64_t file_offset);

  bool isElf() const { return file_ != nullptr; }

 private:
  friend class ModuleTable;

  // The symbols of one file, and the file, from which names are read.
  struct Symbols {
    SymbolFile file;
    ElfSymbols table;

    std::string bestName(std::pair<size_t, size_t> candidates) const;
  };

  FunctionIndex resolve(uint64_t file_offset);
  void readSymbols();
  size_t symbolBytes() const;
  void forgetSymbols();

  ModuleTable* table_;
  std::shared_ptr<const ElfFile> file_;  // null: it could not be read
  MappingIndex mapping_;
  uint32_t pid_;
  std::string path_;
  std::vector<Symbols> symbols_;  // read at the first use, given back under pressure
  std::unordered_map<uint64_t, FunctionIndex> functions_;  // by file offset
  uint64_t symbols_last_used_ = 0;
  uint32_t last_window_ = 0;
};

class ModuleTable {
 public:
  // Symbol tables of all modules together may hold this much; the least recently used go first.
  static constexpr size_t kSymbolBytesLimit = 32 << 20;
  // Windows after which a module without a process is closed.
  static constexpr uint32_t kKeptWindows = 4;

  explicit ModuleTable(NameTable* names) : names_(names) {}

  // Returns the module behind a mapping of a process; the same one for all processes that map the
  // same file, or copies of it with one build ID. Never null: a file that cannot be read is a
  // module without symbols, which no other process shares.
  std::shared_ptr<Module> open(uint32_t pid, const Mapping& mapping);

  // The vdso, which is the same code in every process; null if this process has none.
  std::shared_ptr<Module> vdso();

  // Closes the modules that no process has used for kKeptWindows calls of this.
  void endWindow();

  size_t size() const { return by_file_.size(); }
  size_t symbolBytes() const { return symbol_bytes_; }

 private:
  friend class Module;

  void admitSymbols(Module* module);

  NameTable* names_;
  std::unordered_map<std::string, std::shared_ptr<Module>> by_file_;  // device, inode and path
  std::unordered_map<std::string, std::weak_ptr<Module>> by_build_id_;
  std::shared_ptr<Module> vdso_;
  size_t symbol_bytes_ = 0;
  uint64_t use_clock_ = 0;
  uint32_t window_ = 0;
};

}  // namespace bunsen
