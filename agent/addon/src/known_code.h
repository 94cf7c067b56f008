// Code of a file that has names although no symbol of its own says them: entries of the procedure
// linkage table, _start and main. For x86-64.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "elf_file.h"

namespace bunsen {

// An entry of the procedure linkage table: code that jumps to a function of another file.
struct PltStub {
  uint64_t start;
  std::string symbol;  // of that function; never empty
};

// Returns where the tables are; none if there are no such sections.
std::vector<ElfRange> findPltTables(const ElfFile& file);

// Returns the entry that holds the address. It is known by the slot that it reads its target from,
// and that by its relocation, so any linker's tables do. Reads the file's relocations.
// @param tables of the file
std::optional<PltStub> pltStubAt(const ElfFile& file, const std::vector<ElfRange>& tables,
                                 uint64_t address);

// Where a program begins.
struct EntryCode {
  uint64_t start;
  uint64_t main;
};

// Returns where _start and main() are, if the program begins with glibc's _start: it hands main()
// to __libc_start_main, whatever is stripped.
std::optional<EntryCode> findEntryCode(const ElfFile& file);

}  // namespace bunsen
