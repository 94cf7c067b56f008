#include "process_table.h"

#include <algorithm>
#include <cstring>

#include "proc_files.h"

namespace bunsen {

namespace {

// Of a command line, the part that is kept; of an environment, the part that is searched.
constexpr size_t kCommandLineBytes = 16 << 10;
constexpr size_t kEnvironmentBytes = 256 << 10;

std::string_view withoutSuffix(std::string_view text, std::string_view suffix) {
  if (text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix)
    text.remove_suffix(suffix.size());
  return text;
}

bool isSameExec(const Process& process, const bunsen_sample_key& key) {
  return process.start_boottime_ns == key.start_boottime_ns && process.exec_id == key.exec_id;
}

}  // namespace

Process* ProcessTable::find(const bunsen_sample_key& key, Window* window) {
  auto& generations = by_pid_[key.tgid];
  auto known = std::find_if(generations.begin(), generations.end(),
                            [&key](const auto& process) { return isSameExec(*process, key); });
  Process* process;
  if (known != generations.end()) {
    process = known->get();
  } else {
    bool superseded = isSuperseded(key);
    uint64_t start_ticks = toTicks(key.start_boottime_ns);
    generations.push_back(
        std::make_unique<Process>(key.tgid, start_ticks, modules_, names_, perf_maps_));
    process = generations.back().get();
    process->start_boottime_ns = key.start_boottime_ns;
    process->exec_id = key.exec_id;
    process->description.pid = key.tgid;
    process->description.start_ticks = start_ticks;
    process->description.comm = names_->addString({key.comm, strnlen(key.comm, sizeof(key.comm))});
    // Until it has been read. What an exec replaced cannot be read any more.
    process->description.flags = kProcessGone;
    if (superseded) process->code.freeze();
    processes_++;
    created_++;
  }

  if (process->last_drain != drain_) {
    process->last_drain = drain_;
    process->code.allowRefresh();
  }
  if (process->last_window != window_) {
    process->last_window = window_;
    if (isSuperseded(key)) process->code.freeze();
    if (mustRead(*process, key)) {
      process->may_have_changed = false;
      process->cgroup_id = key.cgroup_id;
      read(process, key);
    }
    process->window_index = window->addProcess(process->description);
  }
  return process;
}

bool ProcessTable::isSuperseded(const bunsen_sample_key& key) const {
  auto generations = by_pid_.find(key.tgid);
  if (generations == by_pid_.end()) return false;
  return std::any_of(generations->second.begin(), generations->second.end(),
                     [&key](const auto& other) {
                       if (other->start_boottime_ns != key.start_boottime_ns)
                         return other->start_boottime_ns > key.start_boottime_ns;
                       return static_cast<int32_t>(other->exec_id - key.exec_id) > 0;
                     });
}

// The processes take turns, so that no window reads them all.
bool ProcessTable::mustRead(const Process& process, const bunsen_sample_key& key) const {
  return process.may_have_changed || process.cgroup_id != key.cgroup_id || process.gone() ||
         (window_ + key.tgid) % kReadAgainWindows == 0;
}

void ProcessTable::markChanged(const std::unordered_set<uint32_t>& pids) {
  for (uint32_t pid : pids) {
    auto generations = by_pid_.find(pid);
    if (generations == by_pid_.end()) continue;
    for (auto& process : generations->second) process->may_have_changed = true;
  }
}

void ProcessTable::markAllChanged() {
  for (auto& [pid, generations] : by_pid_)
    for (auto& process : generations) process->may_have_changed = true;
}

void ProcessTable::read(Process* process, const bunsen_sample_key& key) {
  WindowProcess& description = process->description;
  if (key.flags & BUNSEN_SAMPLE_KERNEL_THREAD) {
    description.flags = kProcessKernelThread;
    if (key.tgid == 0) return;  // the idle task is not in /proc
  } else if (!process->code.read()) {
    if (process->gone()) readRecords(process, key);
    return;
  }

  uint32_t pid = key.tgid;
  std::string exe = readExe(pid);
  std::string cgroup;
  readWholeFile(procPath(pid, "cgroup"), &cgroup, 64 << 10);
  std::string comm;
  readWholeFile(procPath(pid, "comm"), &comm);
  // Once per exec, which sets both.
  std::string command_line = process->has_tags ? "" : readCommandLine(pid);
  std::string environment = process->has_tags ? "" : readEnvironment(pid);
  if (!isRunning(pid, description.start_ticks)) {
    if (process->gone()) readRecords(process, key);
    return;
  }
  if (!(key.flags & BUNSEN_SAMPLE_KERNEL_THREAD)) description.flags = 0;
  description.exe = names_->addString(withoutSuffix(exe, " (deleted)"));
  description.cgroup = names_->addString(cgroup);
  description.comm = names_->addString(withoutSuffix(comm, "\n"));
  if (process->has_tags) return;
  process->has_tags = true;
  description.command_line = names_->addString(command_line);
  description.environment = names_->addString(environment);
}

std::string ProcessTable::readCommandLine(uint32_t pid) const {
  std::string text;
  if (tags_->command_line) readWholeFile(procPath(pid, "cmdline"), &text, kCommandLineBytes);
  return joinArguments(text);
}

std::string ProcessTable::readEnvironment(uint32_t pid) const {
  std::string text;
  if (!tags_->variables.empty()) readWholeFile(procPath(pid, "environ"), &text, kEnvironmentBytes);
  return selectVariables(text, tags_->variables);
}

// The process is gone, or has executed something else since. Of its control group nothing is
// recorded; nearly all processes are in that of their parent.
void ProcessTable::readRecords(Process* process, const bunsen_sample_key& key) {
  std::string_view comm(key.comm, strnlen(key.comm, sizeof(key.comm)));
  const TaskImage* image = history_->find(key.tgid, key.start_boottime_ns, comm);
  if (!image) return;
  WindowProcess& description = process->description;
  uint32_t parent = image->parent;
  std::string exe = image->executable;
  std::vector<Mapping> mappings = image->mappings;
  if (image->is_parents) {
    std::string maps;
    readWholeFile(procPath(parent, "maps"), &maps);
    mappings = parseMappings(maps);
    exe = readExe(parent);
    description.command_line = names_->addString(readCommandLine(parent));
    description.environment = names_->addString(readEnvironment(parent));
  }
  if (mappings.empty() || exe.empty()) return;
  process->code.use(mappings, parent);
  std::string cgroup;
  readWholeFile(procPath(parent, "cgroup"), &cgroup, 64 << 10);
  description.flags = 0;
  description.exe = names_->addString(withoutSuffix(exe, " (deleted)"));
  description.cgroup = names_->addString(cgroup);
  recorded_++;
}

void ProcessTable::beginDrain() { drain_++; }

void ProcessTable::endWindow() {
  for (auto entry = by_pid_.begin(); entry != by_pid_.end();) {
    auto& generations = entry->second;
    size_t before = generations.size();
    generations.erase(std::remove_if(generations.begin(), generations.end(),
                                     [this](const auto& process) {
                                       return window_ - process->last_window >= kKeptWindows;
                                     }),
                      generations.end());
    processes_ -= before - generations.size();
    entry = generations.empty() ? by_pid_.erase(entry) : std::next(entry);
  }
  window_++;
}

}  // namespace bunsen
