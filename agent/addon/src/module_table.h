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
#include "function_ranges.h"
#include "known_code.h"
#include "line_worker.h"
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

  // Appends the function at this offset of the file: by its symbol, else "SYMBOL@plt" for an entry
  // of the PLT, else "FILE+0xADDRESS" with the virtual address of the function's start; of the code
  // itself where nothing says what function it is in (the offset if the file could not be read).
  // Before it those that were inlined into it there, innermost first, as soon as debug information
  // has said so.
  void addFrames(uint64_t file_offset, std::vector<FunctionIndex>* frames);

  bool isElf() const { return file_ != nullptr; }

 private:
  friend class ModuleTable;

  // The symbols of one file, and the file, from which names are read.
  struct Symbols {
    SymbolFile file;
    ElfSymbols table;

    std::string bestName(std::pair<size_t, size_t> candidates) const;
  };

  // The functions of an address: places in frames_.
  struct Named {
    uint32_t first;
    uint16_t count;
    bool awaits_lines;
  };

  void resolve(uint64_t file_offset, Named* named);
  FunctionIndex functionOf(uint64_t address, bool* has_symbol);
  std::optional<FunctionIndex> functionBySymbol(uint64_t address);
  std::optional<FunctionIndex> functionOfPlt(uint64_t address);
  std::optional<FunctionIndex> functionOfEntryCode(const CodeRange& range);
  FunctionIndex unnamedFunction(uint64_t address);
  std::optional<CodeRange> rangeOf(uint64_t address) const;
  bool isInFunctionAt(uint64_t start, uint64_t address) const;
  Named withLines(FunctionIndex function, bool has_symbol, const SourceFrames& lines);
  void readSymbols();
  size_t symbolBytes() const;
  void forgetSymbols();

  ModuleTable* table_;
  std::shared_ptr<const ElfFile> file_;  // null: it could not be read
  MappingIndex mapping_;
  uint32_t pid_;
  std::string path_;
  std::vector<Symbols> symbols_;  // read at the first use, given back under pressure
  // Read with them, and kept: a few numbers.
  std::optional<FunctionRanges> ranges_;
  std::vector<ElfRange> plt_tables_;
  std::optional<EntryCode> entry_code_;
  std::unordered_map<uint64_t, Named> named_;  // by file offset
  std::vector<FunctionIndex> frames_;
  std::shared_ptr<FileLines> lines_;  // null: there is no debug information, or it is not known yet
  uint64_t symbols_last_used_ = 0;
  uint32_t last_window_ = 0;
};

class ModuleTable {
 public:
  // Symbol tables of all modules together may hold this much; the least recently used go first.
  static constexpr size_t kSymbolBytesLimit = 32 << 20;
  // Windows after which a module without a process is closed.
  static constexpr uint32_t kKeptWindows = 4;

  // @param lines reads debug information; null: none is read
  explicit ModuleTable(NameTable* names, LineWorker* lines = nullptr)
      : names_(names), line_worker_(lines) {}

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
  // How often a function was named while its lines were yet to be read.
  uint64_t namedWithoutLines() const { return named_without_lines_; }

 private:
  friend class Module;

  void admitSymbols(Module* module);

  NameTable* names_;
  LineWorker* line_worker_;
  std::unordered_map<std::string, std::shared_ptr<Module>> by_file_;  // device, inode and path
  std::unordered_map<std::string, std::weak_ptr<Module>> by_build_id_;
  std::shared_ptr<Module> vdso_;
  size_t symbol_bytes_ = 0;
  uint64_t use_clock_ = 0;
  uint64_t named_without_lines_ = 0;
  uint32_t window_ = 0;
};

}  // namespace bunsen
