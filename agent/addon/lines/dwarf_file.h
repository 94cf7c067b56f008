// Debug information of one file, by libdw.
#pragma once

#include <elfutils/libdw.h>

#include <memory>
#include <vector>

#include "source_frames.h"

namespace bunsen {

class DwarfFile {
 public:
  // @param fd an ELF file with DWARF sections; it is mapped, and must stay open
  explicit DwarfFile(int fd) : dwarf_(dwarf_begin(fd, DWARF_C_READ), dwarf_end) {}

  // Returns the frames of each address (virtual, in the file's own terms), in the same order. Reads
  // only the compilation units that have code there.
  std::vector<SourceFrames> find(const std::vector<uint64_t>& addresses);

 private:
  // An address, and the functions that hold it: outermost first, each inlined into the one before.
  struct Place {
    uint64_t address;
    SourceFrames* frames;
    std::vector<Dwarf_Die> functions;
  };

  std::vector<Place*> placesIn(Dwarf_Die* scope, bool* has_code);
  void visit(Dwarf_Die* scope);
  void fill(Dwarf_Die* unit, Place* place);

  std::unique_ptr<Dwarf, int (*)(Dwarf*)> dwarf_;
  std::vector<Place> places_;  // by address
};

}  // namespace bunsen
