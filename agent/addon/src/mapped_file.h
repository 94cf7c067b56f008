// The files behind the mappings of a process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "elf_file.h"
#include "mappings.h"
#include "unique_fd.h"

namespace bunsen {

// Returns what tells the mapped file from all others: device, inode and path.
std::string fileKey(const Mapping& mapping);

// Opens the mapped file itself. map_files leads to it even when it was deleted or replaced, but
// needs privileges beyond ptrace; the path leads to it if what is there now is the same inode, or
// the same build. For a recorded mapping, `pid` is another process of which the same root is to be
// expected; failing that, the path is looked up in this process' root.
std::optional<ElfFile> openMapped(uint32_t pid, const Mapping& mapping);

// Returns a copy of the vdso, which is the same code in every process; nothing if this process has
// none.
UniqueFd copyVdso();

}  // namespace bunsen
