#include "perf_map.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "proc_files.h"

namespace bunsen {

namespace {

// Runtimes place code anew without end; the covering entry is near the address all the same.
constexpr int kLongestWalk = 16;

bool consumeHex(std::string_view* text, uint64_t* value) {
  if (text->substr(0, 2) == "0x") text->remove_prefix(2);
  auto parsed = std::from_chars(text->data(), text->data() + text->size(), *value, 16);
  if (parsed.ec != std::errc()) return false;
  text->remove_prefix(static_cast<size_t>(parsed.ptr - text->data()));
  if (text->empty() || text->front() != ' ') return false;
  text->remove_prefix(1);
  return true;
}

}  // namespace

std::string simplifyJitName(std::string_view name) {
  static constexpr std::string_view kTieredKinds[] = {
      "JS:", "LazyCompile:", "Function:", "Script:", "Eval:"};
  // ~ interpreter, ^ baseline, + mid tier, * optimising.
  static constexpr std::string_view kTierMarks = "~^+*";
  for (std::string_view kind : kTieredKinds) {
    if (name.substr(0, kind.size()) != kind) continue;
    name.remove_prefix(kind.size());
    if (!name.empty() && kTierMarks.find(name.front()) != std::string_view::npos)
      name.remove_prefix(1);
    bool has_name = !name.empty() && name.front() != ' ';
    if (has_name) return std::string(name);
    return (kind == "Script:" ? "(script)" : "(anonymous)") + std::string(name);
  }
  return std::string(name);
}

void PerfMap::append(std::string_view text) {
  while (!text.empty()) {
    size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      partial_line_ += text;
      break;
    }
    if (partial_line_.empty()) {
      countLine(text.substr(0, end));
    } else {
      partial_line_ += text.substr(0, end);
      countLine(partial_line_);
      partial_line_.clear();
    }
    text.remove_prefix(end + 1);
  }
  sortNew();
}

void PerfMap::countLine(std::string_view line) {
  if (!addLine(line)) figures_->lines_skipped++;
}

bool PerfMap::addLine(std::string_view line) {
  uint64_t start = 0;
  uint64_t size = 0;
  if (!consumeHex(&line, &start) || !consumeHex(&line, &size)) return false;
  if (size == 0 || size > UINT32_MAX || line.empty()) return false;
  if (line.find('\0') != std::string_view::npos) return false;
  if (name_bytes_.size() + line.size() >= UINT32_MAX) return false;
  entries_.push_back({start, static_cast<uint32_t>(size), next_order_++,
                      static_cast<uint32_t>(name_bytes_.size()), kUnresolved});
  name_bytes_ += line;
  name_bytes_ += '\0';
  return true;
}

void PerfMap::sortNew() {
  auto before = [](const Entry& left, const Entry& right) {
    return left.start != right.start ? left.start < right.start : left.order < right.order;
  };
  auto middle = entries_.begin() + static_cast<ptrdiff_t>(sorted_);
  std::sort(middle, entries_.end(), before);
  std::inplace_merge(entries_.begin(), middle, entries_.end(), before);
  // Of several with one start only the newest, the last of them, can still be running.
  auto next_differs = [this](const Entry& entry) {
    const Entry* next = &entry + 1;
    return next == entries_.data() + entries_.size() || next->start != entry.start;
  };
  size_t kept = 0;
  for (const Entry& entry : entries_)
    if (next_differs(entry)) entries_[kept++] = entry;
  entries_.resize(kept);
  sorted_ = entries_.size();
}

bool PerfMap::find(uint64_t address, NameTable* names, MappingIndex mapping,
                   FunctionIndex* function) {
  auto after =
      std::upper_bound(entries_.begin(), entries_.end(), address,
                       [](uint64_t wanted, const Entry& entry) { return wanted < entry.start; });
  Entry* best = nullptr;
  for (int walked = 0; after != entries_.begin() && walked < kLongestWalk; walked++) {
    --after;
    if (address - after->start >= after->size) continue;
    if (!best || after->order > best->order) best = &*after;
  }
  if (!best) return false;
  if (best->function == kUnresolved) {
    std::string name = simplifyJitName(name_bytes_.c_str() + best->name_offset);
    best->function = names->addFunction(name, name, mapping, best->start);
  }
  *function = best->function;
  return true;
}

bool PerfMap::readNewLines(uint32_t pid) {
  std::string status;
  if (!readWholeFile(procPath(pid, "status"), &status)) return false;
  uint32_t own_pid = parseNamespacedPid(status).value_or(pid);
  UniqueFd file = openInRoot(pid, "/tmp/perf-" + std::to_string(own_pid) + ".map");
  struct stat file_status;
  if (!file || fstat(file.get(), &file_status) != 0) return false;

  auto size = static_cast<uint64_t>(file_status.st_size);
  if (file_status.st_ino != file_inode_ || size < file_offset_) {
    *this = PerfMap(figures_);  // another file
    file_inode_ = file_status.st_ino;
  }
  if (size > kLimitBytes) {
    size = kLimitBytes;
    if (!is_cut_) figures_->cut++;
    is_cut_ = true;
  }

  bool any = false;
  std::string text;
  while (file_offset_ < size) {
    text.resize(std::min<uint64_t>(size - file_offset_, 256 << 10));
    ssize_t got = pread(file.get(), text.data(), text.size(), static_cast<off_t>(file_offset_));
    if (got <= 0) break;
    file_offset_ += static_cast<uint64_t>(got);
    append(std::string_view(text).substr(0, static_cast<size_t>(got)));
    any = true;
  }
  return any;
}

}  // namespace bunsen
