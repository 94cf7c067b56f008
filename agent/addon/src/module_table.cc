#include "module_table.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "demangle.h"
#include "go_symbols.h"
#include "mapped_file.h"

namespace bunsen {

namespace {

// Addresses of one module whose functions are kept. Past it the cache starts anew, which costs a
// search for each address that is still in use.
constexpr size_t kMaxCachedAddresses = 8192;

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

void Module::addFrames(uint64_t file_offset, std::vector<FunctionIndex>* frames) {
  auto known = named_.find(file_offset);
  if (known == named_.end()) {
    if (named_.size() >= kMaxCachedAddresses) {
      named_.clear();
      frames_.clear();
    }
    known = named_.emplace(file_offset, Named{0, 0, true}).first;
  }
  if (known->second.awaits_lines) resolve(file_offset, &known->second);
  table_->named_without_lines_ += known->second.awaits_lines;
  auto first = frames_.begin() + known->second.first;
  frames->insert(frames->end(), first, first + known->second.count);
}

// @param named as it was when its lines were yet to be read; of no frames at first
void Module::resolve(uint64_t file_offset, Named* named) {
  std::optional<uint64_t> address = file_ ? file_->addressAt(file_offset) : std::nullopt;
  if (address && symbols_.empty()) readSymbols();
  std::optional<SourceFrames> lines = SourceFrames{};
  if (address && lines_) lines = lines_->take(*address);
  if (!lines && named->count > 0) return;
  bool has_symbol = false;
  FunctionIndex function =
      address ? functionOf(*address, &has_symbol) : unnamedFunction(file_offset);
  *named = withLines(function, has_symbol, lines.value_or(SourceFrames{}));
  named->awaits_lines = !lines;
}

FunctionIndex Module::functionOf(uint64_t address, bool* has_symbol) {
  symbols_last_used_ = ++table_->use_clock_;
  std::optional<FunctionIndex> named = functionBySymbol(address);
  if (!named) named = functionOfPlt(address);
  std::optional<CodeRange> range;
  if (!named) range = rangeOf(address);
  if (range) named = functionOfEntryCode(*range);
  *has_symbol = named.has_value();
  return named ? *named : unnamedFunction(range ? range->start : address);
}

std::optional<FunctionIndex> Module::functionBySymbol(uint64_t address) {
  for (const Symbols& symbols : symbols_) {
    auto candidates = symbols.table.find(address);
    std::string name = symbols.bestName(candidates);
    if (name.empty()) continue;
    const ElfSymbol& symbol = symbols.table.symbols[candidates.first];
    uint64_t start = symbols.table.base + symbol.start;
    if (symbol.is_unsized && !isInFunctionAt(start, address)) continue;
    return table_->names_->addFunction(demangle(name), name, mapping_, start);
  }
  return std::nullopt;
}

std::optional<FunctionIndex> Module::functionOfPlt(uint64_t address) {
  std::optional<PltStub> stub = pltStubAt(*file_, plt_tables_, address);
  if (!stub) return std::nullopt;
  return table_->names_->addFunction(demangle(stub->symbol) + "@plt", stub->symbol + "@plt",
                                     mapping_, stub->start);
}

std::optional<FunctionIndex> Module::functionOfEntryCode(const CodeRange& range) {
  if (!entry_code_) return std::nullopt;
  if (range.start == entry_code_->start)
    return table_->names_->addFunction("_start", "_start", mapping_, range.start);
  if (range.start == entry_code_->main)
    return table_->names_->addFunction("main", "main", mapping_, range.start);
  return std::nullopt;
}

FunctionIndex Module::unnamedFunction(uint64_t address) {
  char offset[32];
  snprintf(offset, sizeof(offset), "+0x%lx", address);
  std::string name = baseName(path_) + offset;
  return table_->names_->addFunction(name, name, mapping_, address);
}

std::optional<CodeRange> Module::rangeOf(uint64_t address) const {
  return ranges_ ? ranges_->find(address) : std::nullopt;
}

// Whether the function of a symbol without a size holds the address, as far as is known.
bool Module::isInFunctionAt(uint64_t start, uint64_t address) const {
  std::optional<CodeRange> range = rangeOf(start);
  return range ? range->contains(address) : !rangeOf(address);
}

// The function itself keeps the name of its symbol, which is the same with and without lines.
Module::Named Module::withLines(FunctionIndex function, bool has_symbol,
                                const SourceFrames& lines) {
  NameTable* names = table_->names_;
  Named named = {static_cast<uint32_t>(frames_.size()), 0, false};
  for (size_t i = 0; i + 1 < lines.size(); i++) {
    const SourceFrame& inlined = lines[i];
    if (inlined.function.empty()) continue;
    frames_.push_back(names->addFunction(demangle(inlined.function), inlined.function, mapping_,
                                         names->function(function).address, inlined.file,
                                         inlined.line));
  }
  if (!lines.empty()) {
    const SourceFrame& own = lines.back();
    FunctionName plain = names->function(function);
    bool by_symbol = has_symbol || own.function.empty();
    // Copies: adding may move what views point to.
    std::string name = by_symbol ? std::string(names->string(plain.name)) : demangle(own.function);
    std::string system_name =
        by_symbol ? std::string(names->string(plain.system_name)) : own.function;
    function = names->addFunction(name, system_name, mapping_, plain.address, own.file, own.line);
  }
  frames_.push_back(function);
  named.count = static_cast<uint16_t>(frames_.size() - named.first);
  return named;
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
  ranges_ = FunctionRanges::open(file_);
  plt_tables_ = findPltTables(*file_);
  entry_code_ = findEntryCode(*file_);
  for (SymbolFile& file : openSymbolFiles(pid_, path_, file_)) {
    ElfSymbols table = file.file->readSymbols();
    symbols_.push_back({std::move(file), std::move(table)});
  }
  if (!file_->hasSymbolTable()) {
    SymbolFile own = {file_, 0};
    symbols_.push_back({std::move(own), readGoSymbols(*file_)});
  }
  for (const Symbols& symbols : symbols_) {
    if (lines_ || !table_->line_worker_ || !symbols.file.file->hasDebugInfo()) continue;
    lines_ = std::make_shared<FileLines>(symbols.file.file);
    table_->line_worker_->add(lines_);
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
  std::optional<ElfFile> file = openMapped(pid, mapping);
  std::string build_id = file ? file->buildId() : "";
  if (!build_id.empty()) module = by_build_id_[build_id].lock();
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
