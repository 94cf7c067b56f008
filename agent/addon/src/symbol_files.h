// Where the names of a stripped file's functions are: separate debug files, as distributions ship
// them, and the symbol table that Fedora and its relatives pack into the file itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "elf_file.h"

namespace bunsen {

struct SymbolFile {
  std::shared_ptr<const ElfFile> file;
  size_t memory_bytes = 0;  // that it takes itself, if it was unpacked
};

// Returns the files to look a function of `file` up in, best first; `file` itself is among them.
//
// If it has a symbol table of its own, there is no other. Otherwise the debug file with its build
// ID under /usr/lib/debug/.build-id, or the one that .gnu_debuglink names, next to it, in .debug,
// or under /usr/lib/debug. First inside the process' root, then in this one. A debug file counts
// only if it has the same build ID or, where there is none, the checksum of the link. Failing that,
// .gnu_debugdata, which holds what .dynsym does not.
//
// @param path of the file, as the process sees it
std::vector<SymbolFile> openSymbolFiles(uint32_t pid, const std::string& path,
                                        std::shared_ptr<const ElfFile> file);

}  // namespace bunsen
