// The executable mappings of a process, from /proc/PID/maps.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bunsen {

struct Mapping {
  uint64_t start;
  uint64_t end;
  uint64_t file_offset;
  std::string device;  // "MAJOR:MINOR" in hex; "00:00" for memory without a file
  uint64_t inode;
  std::string path;  // as the process sees it, without " (deleted)"
  // The kernel recorded it at the time, and the process may be gone.
  bool is_recorded = false;

  bool contains(uint64_t address) const { return address >= start && address < end; }

  // Memory without a file behind it.
  bool isAnonymous() const { return inode == 0; }

  // A file that exists only in memory. Programs are run from such files, but some JIT runtimes also
  // map their code through one; only its content tells.
  bool isMemoryFile() const;
};

// Returns the executable mappings of the text of a maps file, in its order: by address, none
// overlapping. Lines that cannot be parsed are left out.
std::vector<Mapping> parseMappings(std::string_view maps);

}  // namespace bunsen
