#include "module_table.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "demangle.h"
#include "go_symbols.h"
#include "mapped_file.h"

namespace bunsen {

namespace {

// Cached names of one module by address. Past it the cache starts anew, which costs a search for
// each address that is still in use.
constexpr size_t kMaxCachedFunctions = 8192;

std::string baseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Of several symbols for one function the one that people know: names with fewer leading
// underscores, then shorter ones, then in order, so that the choice is the same everywhere.
bool isBetterName(const std::string& left, const std::string& right) {
  auto underscores = [](const std::string& name) { return name.find_first_not_of('_'); };
  if (underscores(left) != underscores(right)) return underscores(left) < underscores(right);
  if (left.size() != right.size()) return left.size() < right.size();
  return left < right;
}

std::shared_ptr<const ElfFile> share(std::optional<ElfFile> file) {
  return file ? std::make_shared<const ElfFile>(std::move(*file)) : nullptr;
}

}  // namespace

Module::Module(ModuleTable* table, std::shared_ptr<const ElfFile> file, MappingIndex mapping,
               uint32_t pid, std::string path)
    : table_(table), file_(std::move(file)), mapping_(mapping), pid_(pid), path_(std::move(path)) {}

FunctionIndex Module::functionAt(uint64_t file_offset) {
  auto known = functions_.find(file_offset);
  if (known != functions_.end()) return known->second;
  if (functions_.size() >= kMaxCachedFunctions) functions_.clear();
  FunctionIndex function = resolve(file_offset);
  functions_.emplace(file_offset, function);
  return function;
}

FunctionIndex Module::resolve(uint64_t file_offset) {
  uint64_t address = file_offset;
  if (std::optional<uint64_t> in_file = file_ ? file_->addressAt(file_offset) : std::nullopt) {
    address = *in_file;
    if (symbols_.empty()) readSymbols();
    symbols_last_used_ = ++table_->use_clock_;
    for (const Symbols& symbols : symbols_) {
      auto candidates = symbols.table.find(address);
      std::string symbol = symbols.bestName(candidates);
      if (!symbol.empty())
        return table_->names_->addFunction(
            demangle(symbol), symbol, mapping_,
            symbols.table.base + symbols.table.symbols[candidates.first].start);
    }
  }
  char offset[32];
  snprintf(offset, sizeof(offset), "+0x%lx", address);
  std::string name = baseName(path_) + offset;
  return table_->names_->addFunction(name, name, mapping_, address);
}

std::string Module::Symbols::bestName(std::pair<size_t, size_t> candidates) const {
  std::string best;
  for (size_t i = candidates.first; i < candidates.second; i++) {
    std::string name = file.file->readName(table, table.symbols[i]);
    if (!name.empty() && (best.empty() || isBetterName(name, best))) best = std::move(name);
  }
  return best;
}

void Module::readSymbols() {
  for (SymbolFile& file : openSymbolFiles(pid_, path_, file_)) {
    ElfSymbols table = file.file->readSymbols();
    symbols_.push_back({std::move(file), std::move(table)});
  }
  if (!file_->hasSymbolTable()) {
    SymbolFile own = {file_, 0};
    symbols_.push_back({std::move(own), readGoSymbols(*file_)});
  }
  table_->admitSymbols(this);
}

size_t Module::symbolBytes() const {
  size_t bytes = 0;
  for (const Symbols& symbols : symbols_)
    bytes += symbols.table.sizeBytes() + symbols.file.memory_bytes;
  return bytes;
}

void Module::forgetSymbols() { symbols_.clear(); }

std::shared_ptr<Module> ModuleTable::open(uint32_t pid, const Mapping& mapping) {
  std::string key = fileKey(mapping);
  auto known = by_file_.find(key);
  if (known != by_file_.end()) {
    known->second->last_window_ = window_;
    return known->second;
  }

  std::shared_ptr<Module> module;
  std::optional<ElfFile> file;
  std::string build_id = mapping.build_id;
  if (!build_id.empty()) module = by_build_id_[build_id].lock();
  if (!module) {
    file = openMapped(pid, mapping);
    if (file) build_id = file->buildId();
  }
  if (!module && !build_id.empty()) module = by_build_id_[build_id].lock();
  if (!module) {
    MappingIndex name = names_->addMapping(mapping.path, build_id, MappingKind::kUserElf);
    module = std::make_shared<Module>(this, share(std::move(file)), name, pid, mapping.path);
    if (!module->isElf()) return module;
    if (!build_id.empty()) by_build_id_[build_id] = module;
  }
  module->last_window_ = window_;
  by_file_.emplace(std::move(key), module);
  return module;
}

std::shared_ptr<Module> ModuleTable::vdso() {
  if (vdso_) return vdso_;
  std::optional<ElfFile> file = ElfFile::open(copyVdso());
  if (!file) return nullptr;
  MappingIndex name = names_->addMapping("[vdso]", file->buildId(), MappingKind::kOther);
  vdso_ = std::make_shared<Module>(this, share(std::move(file)), name, 0, "[vdso]");
  return vdso_;
}

void ModuleTable::admitSymbols(Module* module) {
  symbol_bytes_ += module->symbolBytes();
  if (symbol_bytes_ <= kSymbolBytesLimit) return;

  std::vector<Module*> holders;
  for (auto& [key, candidate] : by_file_)
    if (candidate.get() != module && !candidate->symbols_.empty())
      holders.push_back(candidate.get());
  std::sort(holders.begin(), holders.end(), [](const Module* left, const Module* right) {
    return left->symbols_last_used_ < right->symbols_last_used_;
  });
  for (Module* holder : holders) {
    if (symbol_bytes_ <= kSymbolBytesLimit) break;
    if (holder->symbols_.empty()) continue;  // listed twice: one build ID under two paths
    symbol_bytes_ -= holder->symbolBytes();
    holder->forgetSymbols();
  }
}

void ModuleTable::endWindow() {
  // One module may stand under several files, so it is unused when nothing but those holds it.
  std::unordered_map<const Module*, long> entries;
  for (auto& [key, module] : by_file_) entries[module.get()]++;
  for (auto entry = by_file_.begin(); entry != by_file_.end();) {
    const std::shared_ptr<Module>& module = entry->second;
    bool unused = module.use_count() <= entries[module.get()];
    if (!unused) module->last_window_ = window_;
    if (unused && window_ - module->last_window_ > kKeptWindows) {
      if (--entries[module.get()] == 0) symbol_bytes_ -= module->symbolBytes();
      entry = by_file_.erase(entry);
    } else {
      ++entry;
    }
  }
  for (auto entry = by_build_id_.begin(); entry != by_build_id_.end();)
    entry = entry->second.expired() ? by_build_id_.erase(entry) : std::next(entry);
  window_++;
}

}  // namespace bunsen
