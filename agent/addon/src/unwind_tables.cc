#include "unwind_tables.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "proc_files.h"

namespace bunsen {

namespace {

constexpr uint64_t kPageBytes = 4096;

bunsen_unwind_mapping unusedMapping() {
  bunsen_unwind_mapping mapping = {};
  mapping.start = BUNSEN_UNWIND_NO_MAPPING;
  return mapping;
}

bool isSame(const bunsen_unwind_process& left, const bunsen_unwind_process& right) {
  return left.is_partial == right.is_partial &&
         memcmp(left.mapping, right.mapping, sizeof(left.mapping)) == 0;
}

}  // namespace

bool UnwindTables::Less::operator()(const bunsen_process_key& left,
                                    const bunsen_process_key& right) const {
  return std::tie(left.tgid, left.exec_id, left.start_boottime_ns) <
         std::tie(right.tgid, right.exec_id, right.start_boottime_ns);
}

UnwindTables::UnwindTables(UnwindStore* store, uint64_t large_file_bytes)
    : store_(store),
      modules_(store, large_file_bytes, [this](const UnwindModule* module) { release(module); }) {}

void UnwindTables::read(const bunsen_process_key& key, uint64_t now_ms) {
  auto known = processes_.find(key);
  if (known != processes_.end() && now_ms < known->second.read_again_ms) return;

  std::string maps;
  readWholeFile(procPath(key.tgid, "maps"), &maps);
  if (maps.empty()) return;
  reads_++;
  KnownProcess process;
  process.last_used_ms = now_ms;
  fill(key.tgid, maps, &process, now_ms);
  // Only now: the files were opened through /proc, too.
  if (!isRunning(key.tgid, toTicks(key.start_boottime_ns))) return;

  known = processes_.find(key);  // making room may have removed it
  if (known != processes_.end() && isSame(known->second.mappings, process.mappings)) {
    KnownProcess& same = known->second;
    same.reread_ms = std::min(2 * same.reread_ms, kMaxRereadMs);
    same.read_again_ms = now_ms + same.reread_ms;
    return;
  }
  process.read_again_ms = now_ms + process.reread_ms;
  if (known == processes_.end() && processes_.size() >= store_->processLimit()) forgetOldest();
  process.mappings.serial = ++last_serial_;
  if (store_->putProcess(key, process.mappings)) processes_[key] = std::move(process);
}

void UnwindTables::fill(uint32_t pid, const std::string& maps, KnownProcess* process,
                        uint64_t now_ms) {
  std::vector<bunsen_unwind_mapping> found;
  for (const Mapping& mapping : parseMappings(maps)) {
    if (mapping.start >= BUNSEN_UNWIND_NO_MAPPING) continue;  // [vsyscall] is the kernel's
    bunsen_unwind_mapping entry = {};
    entry.start = mapping.start;
    entry.pages = static_cast<uint32_t>(
        std::min<uint64_t>((mapping.end - mapping.start) / kPageBytes, UINT32_MAX));
    std::shared_ptr<UnwindModule> module = modules_.open(pid, mapping, now_ms);
    std::optional<uint64_t> address;
    if (module && module->height != 0)
      address =
          addressOfMapping(module->segments, mapping.path == "[vdso]" ? 0 : mapping.file_offset);
    if (address) {
      entry.bias = mapping.start - *address + module->base;
      entry.root = module->root & 0x3fffffff;
      entry.height = module->height & 3;
      process->modules.push_back(std::move(module));
    } else if (!found.empty() && found.back().height == 0 &&
               found.back().start + found.back().pages * kPageBytes == entry.start) {
      found.back().pages += entry.pages;  // JIT code comes in many adjoining pieces
      continue;
    }
    found.push_back(entry);
  }
  if (found.size() > BUNSEN_UNWIND_MAX_MAPPINGS) {
    // What has no rows is walked the same way whether it is here or not.
    process->mappings.is_partial = 1;
    std::stable_partition(found.begin(), found.end(),
                          [](const bunsen_unwind_mapping& entry) { return entry.height != 0; });
    found.resize(BUNSEN_UNWIND_MAX_MAPPINGS);
    std::sort(found.begin(), found.end(),
              [](const bunsen_unwind_mapping& left, const bunsen_unwind_mapping& right) {
                return left.start < right.start;
              });
  }
  auto end = std::copy(found.begin(), found.end(), process->mappings.mapping);
  std::fill(end, std::end(process->mappings.mapping), unusedMapping());
}

void UnwindTables::readPart(const bunsen_process_key& key, uint64_t address, uint64_t now_ms) {
  auto known = processes_.find(key);
  if (known == processes_.end()) return;
  for (const bunsen_unwind_mapping& mapping : known->second.mappings.mapping) {
    if (address < mapping.start || address - mapping.start >= mapping.pages * kPageBytes) continue;
    for (std::shared_ptr<UnwindModule> module : known->second.modules)  // a copy: see release()
      if (module->root == mapping.root)
        return modules_.readPart(module.get(), address - mapping.bias, now_ms);
  }
}

void UnwindTables::use(const bunsen_process_key& key, uint64_t now_ms) {
  auto known = processes_.find(key);
  if (known == processes_.end()) return;
  known->second.last_used_ms = now_ms;
  for (const auto& module : known->second.modules) module->last_used_ms = now_ms;
}

void UnwindTables::release(const UnwindModule* module) {
  for (auto entry = processes_.begin(); entry != processes_.end();) {
    const auto& modules = entry->second.modules;
    bool refers = std::any_of(modules.begin(), modules.end(),
                              [module](const auto& used) { return used.get() == module; });
    if (refers) store_->removeProcess(entry->first);
    entry = refers ? processes_.erase(entry) : std::next(entry);
  }
}

void UnwindTables::forgetOldest() {
  auto oldest = std::min_element(processes_.begin(), processes_.end(),
                                 [](const auto& left, const auto& right) {
                                   return left.second.last_used_ms < right.second.last_used_ms;
                                 });
  if (oldest == processes_.end()) return;
  store_->removeProcess(oldest->first);
  processes_.erase(oldest);
}

void UnwindTables::forgetUnused(uint64_t now_ms) {
  for (auto entry = processes_.begin(); entry != processes_.end();) {
    bool unused = now_ms - entry->second.last_used_ms > kForgetProcessMs;
    if (unused) store_->removeProcess(entry->first);
    entry = unused ? processes_.erase(entry) : std::next(entry);
  }
  modules_.forgetUnused(now_ms);
}

UnwindFigures UnwindTables::figures() const {
  return {modules_.usedPages() * sizeof(bunsen_unwind_page),
          modules_.size(),
          processes_.size(),
          reads_,
          modules_.evicted(),
          modules_.refused(),
          modules_.partsRead()};
}

}  // namespace bunsen
