#include "kernel_symbols.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "elf_file.h"
#include "proc_files.h"

namespace bunsen {

namespace {

// kallsyms has no sizes. A function reaches to the next symbol, but not over the gap behind the
// last function of a module.
constexpr uint64_t kLongestFunction = 64 << 10;
constexpr size_t kMaxCachedFunctions = 16384;

std::string readBuildIdNote(const std::string& path) {
  std::string note;
  readWholeFile(path, &note, 4096);
  return buildIdOfNotes(note, 4);
}

}  // namespace

FunctionIndex KernelSymbols::functionAt(uint64_t address) {
  if (!loaded_) load();
  auto known = functions_.find(address);
  if (known != functions_.end()) return known->second;
  if (functions_.size() >= kMaxCachedFunctions) functions_.clear();
  FunctionIndex function = resolve(address);
  functions_.emplace(address, function);
  return function;
}

FunctionIndex KernelSymbols::resolve(uint64_t address) {
  auto after =
      std::upper_bound(symbols_.begin(), symbols_.end(), address,
                       [](uint64_t wanted, const Symbol& symbol) { return wanted < symbol.start; });
  if (after != symbols_.begin() && address - (after - 1)->start < kLongestFunction) {
    const Symbol& symbol = *(after - 1);
    std::string_view name = name_bytes_.c_str() + symbol.name_offset;
    return names_->addFunction(name, name, modules_[symbol.module], symbol.start);
  }
  char name[40];
  snprintf(name, sizeof(name), "[kernel]+0x%lx", address);
  return names_->addFunction(name, name, modules_[0], address);
}

void KernelSymbols::load() {
  loaded_ = true;
  age_windows_ = 0;
  symbols_.clear();
  name_bytes_.clear();
  functions_.clear();
  modules_.clear();
  module_names_.clear();
  any_address_ = false;
  readWholeFile("/proc/modules", &loaded_modules_);

  UniqueFd file(open("/proc/kallsyms", O_RDONLY | O_CLOEXEC));
  std::vector<char> piece(64 << 10);
  ssize_t got = 0;
  while (file && (got = read(file.get(), piece.data(), piece.size())) > 0)
    append({piece.data(), static_cast<size_t>(got)});
  finish();
}

void KernelSymbols::append(std::string_view text) {
  loaded_ = true;
  size_t end;
  while ((end = text.find('\n')) != std::string_view::npos) {
    if (partial_line_.empty()) {
      addLine(text.substr(0, end));
    } else {
      partial_line_ += text.substr(0, end);
      addLine(partial_line_);
      partial_line_.clear();
    }
    text.remove_prefix(end + 1);
  }
  partial_line_ += text;
}

// "ADDRESS TYPE NAME" and, for a module's, "\t[MODULE]".
void KernelSymbols::addLine(std::string_view line) {
  uint64_t address = 0;
  auto parsed = std::from_chars(line.data(), line.data() + line.size(), address, 16);
  if (parsed.ec != std::errc()) return;
  line.remove_prefix(static_cast<size_t>(parsed.ptr - line.data()));
  if (line.size() < 4 || line[0] != ' ' || line[2] != ' ') return;
  if (std::string_view("tTwW").find(line[1]) == std::string_view::npos) return;
  if (address == 0) return;
  any_address_ = true;
  line.remove_prefix(3);

  uint16_t module = 0;
  size_t tab = line.find('\t');
  if (tab != std::string_view::npos) {
    std::string_view name = line.substr(tab + 1);
    if (name.size() < 3 || name.front() != '[' || name.back() != ']') return;
    module = moduleIndex(name);
    line = line.substr(0, tab);
  }
  symbols_.push_back({address, static_cast<uint32_t>(name_bytes_.size()), module});
  name_bytes_ += line;
  name_bytes_ += '\0';
}

uint16_t KernelSymbols::moduleIndex(std::string_view name) {
  if (module_names_.empty()) module_names_.push_back("[kernel]");
  // The symbols of one module stand together.
  if (module_names_.back() == name) return static_cast<uint16_t>(module_names_.size() - 1);
  for (size_t i = 1; i < module_names_.size(); i++)
    if (module_names_[i] == name) return static_cast<uint16_t>(i);
  if (module_names_.size() == UINT16_MAX) return 0;
  module_names_.emplace_back(name);
  return static_cast<uint16_t>(module_names_.size() - 1);
}

void KernelSymbols::finish() {
  partial_line_.clear();
  hidden_ = !any_address_;
  std::stable_sort(symbols_.begin(), symbols_.end(), [](const Symbol& left, const Symbol& right) {
    return left.start < right.start;
  });
  // Aliases: the first in the list stays.
  symbols_.erase(std::unique(symbols_.begin(), symbols_.end(),
                             [](const Symbol& left, const Symbol& right) {
                               return left.start == right.start;
                             }),
                 symbols_.end());
  symbols_.shrink_to_fit();
  name_bytes_.shrink_to_fit();

  modules_.push_back(
      names_->addMapping("[kernel]", readBuildIdNote("/sys/kernel/notes"), MappingKind::kKernel));
  for (size_t i = 1; i < module_names_.size(); i++) {
    const std::string& name = module_names_[i];  // in brackets
    std::string folder = "/sys/module/" + name.substr(1, name.size() - 2);
    modules_.push_back(names_->addMapping(
        name, readBuildIdNote(folder + "/notes/.note.gnu.build-id"), MappingKind::kKernelModule));
  }
}

void KernelSymbols::endWindow() {
  if (!loaded_) return;
  std::string modules;
  readWholeFile("/proc/modules", &modules);
  if (++age_windows_ >= kMaxAgeWindows || modules != loaded_modules_) loaded_ = false;
}

}  // namespace bunsen
