// The code that one process has mapped, and the names of its functions.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mappings.h"
#include "module_table.h"
#include "name_table.h"
#include "perf_map.h"

namespace bunsen {

class AddressSpace {
 public:
  // @param start_ticks start time of the process, as in /proc/PID/stat
  AddressSpace(uint32_t pid, uint64_t start_ticks, ModuleTable* modules, NameTable* names,
               PerfMapFigures* perf_maps);

  // Replaces what is known by the process' present mappings. False, and nothing changed from now
  // on, if it has exited.
  bool read();

  // Takes mappings that were recorded while the process ran; nothing is read of it any more.
  // @param pid another process of which the same root is to be expected
  void use(const std::vector<Mapping>& mappings, uint32_t pid);

  // Allows one more look at the process' files when an address is unknown; until the next call
  // there is no other, so that a process full of garbage addresses costs no more than one look.
  void allowRefresh();

  // From now on only what is known is used: /proc/PID is another's, or of a later exec.
  void freeze() { frozen_ = true; }

  // Appends the function that holds the address, after those that were inlined into it there;
  // "[unknown]" outside all mappings, "[anon]" in memory that neither a file nor a JIT runtime's
  // perf map describes.
  void addFrames(uint64_t address, std::vector<FunctionIndex>* frames);

 private:
  struct MappedCode {
    uint64_t start;
    uint64_t end;
    uint64_t file_offset;
    std::shared_ptr<Module> module;  // null: anonymous memory
    FunctionIndex anonymous_name;    // used if the perf map does not know better
  };

  MappedCode open(uint32_t pid, const Mapping& mapping);
  const MappedCode* find(uint64_t address) const;
  FunctionIndex anonymousFunctionAt(uint64_t address, FunctionIndex otherwise);

  uint32_t pid_;
  uint64_t start_ticks_;
  ModuleTable* modules_;
  NameTable* names_;
  MappingIndex jit_;
  FunctionIndex unknown_;
  std::vector<MappedCode> code_;  // by address
  PerfMap perf_map_;
  bool frozen_ = false;
  bool may_read_mappings_ = true;
  bool may_read_perf_map_ = true;
};

}  // namespace bunsen
