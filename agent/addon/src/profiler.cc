#include "profiler.h"

#include <malloc.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <tuple>

#include "cpu_list.h"
#include "error.h"

namespace bunsen {

namespace {
constexpr size_t kNameBytesLimit = 24 << 20;

std::string_view counterName(uint32_t id) {
  switch (id) {
#define BUNSEN_COUNTER_CASE(counter, name) \
  case counter:                            \
    return #name;
    BUNSEN_COUNTERS(BUNSEN_COUNTER_CASE)
#undef BUNSEN_COUNTER_CASE
    default:
      return "";
  }
}
}  // namespace

Profiler::Naming::Naming(LineWorker* lines, ChainCache* chains, const TaskHistory* history,
                         const ProcessTags* tags, PerfMapFigures* perf_maps)
    : modules(&names, lines),
      kernel(&names),
      processes(&modules, &names, history, tags, perf_maps),
      folder(&names, &kernel, chains) {}

Profiler::Profiler(const SessionOptions& options)
    : tags_(options.tags),
      session_(options),
      sample_drain_(&session_),
      task_events_(options.features.task_records),
      naming_(std::make_unique<Naming>(&lines_, &chains_, &task_history_, &tags_, &perf_maps_)) {
  if (session_.usesTables())
    unwinding_ = std::make_unique<UnwindWorker>(
        session_.mapFd("unwind_requests"), session_.mapFd("unwind_shards"),
        session_.mapFd("unwind_processes"), session_.tableProcesses());
  followCpus();
}

void Profiler::followCpus() {
  // Records first, so that there is no sampled process of which the start was missed.
  task_events_.followCpus(readOnlineCpus());
  session_.followCpus();
}

DrainResult Profiler::drain() {
  DrainResult result = moveIntoWindow();
  if (!is_stopped_) followCpus();
  return result;
}

DrainResult Profiler::moveIntoWindow() {
  uint64_t known_processes = naming_->processes.created();
  std::vector<CountedSample> samples = sample_drain_.drain(&chains_);
  uint64_t lost_before = task_events_.lost();
  task_events_.drainInto(&task_history_);  // all that was recorded before those samples
  naming_->processes.markChanged(task_history_.takeChanged());
  if (!task_events_.active() || task_events_.lost() != lost_before)
    naming_->processes.markAllChanged();
  uint64_t folded_before = samples_folded_;
  foldIntoWindow(&samples);
  DrainResult result = {samples_folded_ - folded_before,
                        naming_->processes.created() - known_processes};
  publishGauges();
  return result;
}

void Profiler::foldIntoWindow(std::vector<CountedSample>* samples) {
  // Latest exec first, as ProcessTable::find demands; and one process after the other, which keeps
  // its tables in the CPU's caches.
  std::sort(samples->begin(), samples->end(),
            [](const CountedSample& left, const CountedSample& right) {
              auto order = [](const bunsen_sample_key& key) {
                return std::make_tuple(key.tgid, ~key.start_boottime_ns, ~key.exec_id);
              };
              return order(left.key) < order(right.key);
            });
  Naming& naming = *naming_;
  naming.processes.beginDrain();
  std::vector<bunsen_process_key> sampled;
  for (const CountedSample& sample : *samples) {
    const bunsen_sample_key& key = sample.key;
    if (sampled.empty() || sampled.back().tgid != key.tgid ||
        sampled.back().start_boottime_ns != key.start_boottime_ns ||
        sampled.back().exec_id != key.exec_id)
      sampled.push_back({key.start_boottime_ns, key.tgid, key.exec_id});
    Process* process = naming.processes.find(key, &naming.window);
    StringIndex comm = naming.names.addString({key.comm, strnlen(key.comm, sizeof(key.comm))});
    naming.window.add(naming.folder.fold(key, process), process->window_index, comm, key.cgroup_id,
                      sample.count);
    if (uint32_t end = key.flags >> BUNSEN_SAMPLE_END_SHIFT & 0xff)
      naming.window.addWalk(process->window_index, naming.names.addString(counterName(end)),
                            sample.count);
    samples_folded_ += sample.count;
  }
  chains_.endDrain();
  drains_++;
  if (unwinding_) unwinding_->sampled(sampled);
  lines_.wake();
}

WindowColumns Profiler::takeWindow(bool trim) {
  Naming& naming = *naming_;
  WindowColumns columns = naming.window.columns(naming.names);
  naming.window.clear();
  naming.processes.endWindow();
  naming.modules.endWindow();
  naming.kernel.endWindow();
  if (trim || naming.names.sizeBytes() > kNameBytesLimit) {
    processes_recorded_before_ += naming_->processes.recorded();
    named_without_lines_before_ += naming_->modules.namedWithoutLines();
    naming_ = std::make_unique<Naming>(&lines_, &chains_, &task_history_, &tags_, &perf_maps_);
    name_resets_++;
  }
  if (trim) malloc_trim(0);
  publishGauges();
  return columns;
}

void Profiler::setFrequency(uint32_t frequency_hz) {
  session_.detach();
  std::optional<SamplerError> failure;
  try {
    moveIntoWindow();
    session_.setFrequency(frequency_hz);
  } catch (const SamplerError& error) {
    failure = error;
  }
  try {
    followCpus();
  } catch (const SamplerError&) {
    // The next drain tries again, and says it.
  }
  if (failure) throw *failure;
}

void Profiler::stop() {
  session_.detach();
  is_stopped_ = true;
  moveIntoWindow();
}

void Profiler::publishGauges() {
  chains_missing_ = chains_.missing();
  processes_ = naming_->processes.size();
  modules_ = naming_->modules.size();
  symbol_bytes_ = naming_->modules.symbolBytes();
  name_bytes_ = naming_->names.sizeBytes();
  kernel_symbols_hidden_ = naming_->kernel.hidden();
  task_events_active_ = task_events_.active();
  task_events_lost_ = task_events_.lost();
  processes_recorded_ = processes_recorded_before_ + naming_->processes.recorded();
  perf_map_lines_skipped_ = perf_maps_.lines_skipped;
  perf_maps_cut_ = perf_maps_.cut;
  named_without_lines_ = named_without_lines_before_ + naming_->modules.namedWithoutLines();
}

std::map<std::string, uint64_t> Profiler::counters() const {
  bunsen_counters kernel = session_.readCounters();
  RunStats run = session_.readRunStats();
  LineFigures lines = lines_.figures();
  UnwindFigures unwinding = unwinding_ ? unwinding_->figures() : UnwindFigures{};
  std::map<std::string, uint64_t> counters = {
      {"bpf_run_time_ns", run.run_time_ns},
      {"bpf_run_count", run.run_count},
      {"samples_folded", samples_folded_},
      {"drains", drains_},
      {"chains_missing", chains_missing_},
      {"kernel_symbols_hidden", kernel_symbols_hidden_},
      {"pid_namespace_foreign", pid_namespace_foreign_},
      {"processes", processes_},
      {"processes_recorded", processes_recorded_},
      {"task_events_active", task_events_active_},
      {"task_events_lost", task_events_lost_},
      {"modules", modules_},
      {"perf_map_lines_skipped", perf_map_lines_skipped_},
      {"perf_maps_cut", perf_maps_cut_},
      {"symbol_bytes", symbol_bytes_},
      {"name_bytes", name_bytes_},
      {"name_resets", name_resets_},
      {"lines_read", lines.answered},
      {"lines_files_failed", lines.failed_files},
      {"lines_cpu_ms", lines.cpu_ms},
      {"frames_named_without_lines", named_without_lines_},
      {"tables_active", session_.usesTables()},
      {"table_bytes", unwinding.table_bytes},
      {"table_modules", unwinding.modules},
      {"table_processes", unwinding.processes},
      {"table_reads", unwinding.reads},
      {"tables_evicted", unwinding.evicted},
      {"tables_refused", unwinding.refused},
      {"table_parts_read", unwinding.parts_read},
      {"table_slowest_answer_ms", unwinding_ ? unwinding_->slowestAnswerMs() : 0},
  };
#define BUNSEN_COUNTER_ENTRY(id, name) counters[#name] = kernel.value[id];
  BUNSEN_COUNTERS(BUNSEN_COUNTER_ENTRY)
#undef BUNSEN_COUNTER_ENTRY
  return counters;
}

}  // namespace bunsen
