#include "address_space.h"

#include <algorithm>

#include "proc_files.h"

namespace bunsen {

AddressSpace::AddressSpace(uint32_t pid, uint64_t start_ticks, ModuleTable* modules,
                           NameTable* names, PerfMapFigures* perf_maps)
    : pid_(pid), start_ticks_(start_ticks), modules_(modules), names_(names), perf_map_(perf_maps) {
  jit_ = names->addMapping("[jit]", "", MappingKind::kJit);
  MappingIndex unknown = names->addMapping("[unknown]", "", MappingKind::kOther);
  unknown_ = names->addFunction("[unknown]", "[unknown]", unknown, 0);
}

bool AddressSpace::read() {
  may_read_mappings_ = false;
  if (frozen_) return false;
  std::string maps;
  readWholeFile(procPath(pid_, "maps"), &maps);
  std::vector<MappedCode> code;
  for (const Mapping& mapping : parseMappings(maps)) code.push_back(open(pid_, mapping));
  // A zombie has a maps file, but nothing in it.
  frozen_ = code.empty() || !isRunning(pid_, start_ticks_);
  if (frozen_) return false;
  code_ = std::move(code);
  return true;
}

void AddressSpace::use(const std::vector<Mapping>& mappings, uint32_t pid) {
  freeze();
  code_.clear();
  for (const Mapping& mapping : mappings) code_.push_back(open(pid, mapping));
}

AddressSpace::MappedCode AddressSpace::open(uint32_t pid, const Mapping& mapping) {
  MappedCode code = {mapping.start, mapping.end, mapping.file_offset, nullptr, 0};
  if (mapping.path == "[vdso]") {
    code.file_offset = 0;
    code.module = modules_->vdso();
  } else if (!mapping.isAnonymous()) {
    code.module = modules_->open(pid, mapping);
    if (mapping.isMemoryFile() && !code.module->isElf()) code.module = nullptr;
  }
  if (!code.module) {
    // "[vsyscall]" and the like have names; "[anon:...]" is what the program calls it.
    bool named = mapping.path[0] == '[' && mapping.path.compare(0, 6, "[anon:") != 0;
    std::string name = named ? mapping.path : "[anon]";
    MappingIndex index = names_->addMapping(name, "", MappingKind::kOther);
    code.anonymous_name = names_->addFunction(name, name, index, 0);
  }
  return code;
}

void AddressSpace::allowRefresh() {
  may_read_mappings_ = !frozen_;
  may_read_perf_map_ = !frozen_;
}

const AddressSpace::MappedCode* AddressSpace::find(uint64_t address) const {
  auto after =
      std::upper_bound(code_.begin(), code_.end(), address,
                       [](uint64_t wanted, const MappedCode& code) { return wanted < code.start; });
  if (after == code_.begin() || address >= (after - 1)->end) return nullptr;
  return &*(after - 1);
}

void AddressSpace::addFrames(uint64_t address, std::vector<FunctionIndex>* frames) {
  const MappedCode* code = find(address);
  if (!code && may_read_mappings_ && read()) code = find(address);
  if (code && code->module)
    code->module->addFrames(address - code->start + code->file_offset, frames);
  else
    frames->push_back(code ? anonymousFunctionAt(address, code->anonymous_name) : unknown_);
}

FunctionIndex AddressSpace::anonymousFunctionAt(uint64_t address, FunctionIndex otherwise) {
  FunctionIndex function;
  if (perf_map_.find(address, names_, jit_, &function)) return function;
  if (may_read_perf_map_) {
    may_read_perf_map_ = false;
    if (perf_map_.readNewLines(pid_) && perf_map_.find(address, names_, jit_, &function))
      return function;
  }
  return otherwise;
}

}  // namespace bunsen
