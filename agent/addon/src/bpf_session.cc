#include "bpf_session.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "cpu_list.h"
#include "load_errors.h"
#include "proc_files.h"
#include "unwind_maps.h"

namespace bunsen {

namespace {

// A drain may come this many intervals late before samples are lost.
constexpr uint64_t kLateDrains = 16;
constexpr uint32_t kMinCounts = 4096;
constexpr uint32_t kMaxCounts = 65536;
constexpr uint32_t kMaxChains = 32768;
constexpr uint32_t kMaxChainsPreallocated = 4096;  // they take 4.4 MB from the start
constexpr uint32_t kTableProcesses = 2048;
constexpr uint32_t kTableProcessesPreallocated = 1024;  // 3.3 MB from the start

uint64_t hashMapBytes(uint64_t entries, uint64_t key_bytes, uint64_t value_bytes) {
  uint64_t buckets = 1;
  while (buckets < entries) buckets *= 2;
  return buckets * 16 + entries * (48 + key_bytes + value_bytes);
}

// Best first.
constexpr SamplerProgram kPrograms[] = {
    {"sample_by_loop", "loop", true, true},
    {"sample_by_calls", "calls", true, false},
    {"sample_by_pointers", "pointers", false, false},
};

// Returns what is missing for the program, of the kernel or of what may be used; "" if nothing is.
std::string missingFor(const SamplerProgram& program, const Features& features) {
  if (!program.uses_tables) return "";
  if (!features.tables) return "switched off";
  if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, nullptr) != 1)
    return "this kernel has no BPF ring buffers";
  if (!program.uses_loop) return "";
  if (!features.bpf_loop) return "switched off";
  struct {
    bpf_func_id id;
    const char* name;
  } helpers[] = {{BPF_FUNC_loop, "bpf_loop"}, {BPF_FUNC_task_pt_regs, "bpf_task_pt_regs"}};
  for (const auto& helper : helpers)
    if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_PERF_EVENT, helper.id, nullptr) != 1)
      return std::string("this kernel has no ") + helper.name + " for perf events";
  return "";
}

uint32_t readMaxStackFrames() {
  std::string text;
  readWholeFile("/proc/sys/kernel/perf_event_max_stack", &text);
  unsigned long limit = strtoul(text.c_str(), nullptr, 10);
  if (limit == 0 || limit > BUNSEN_MAX_FRAMES) return BUNSEN_MAX_FRAMES;
  return static_cast<uint32_t>(limit);
}

}  // namespace

uint64_t MapSizes::fullBytes() const {
  return 2 * hashMapBytes(counts, sizeof(bunsen_sample_key), sizeof(uint64_t)) +
         hashMapBytes(chains, sizeof(uint64_t), sizeof(bunsen_chain));
}

MapSizes chooseMapSizes(size_t cpus, uint32_t frequency_hz, uint32_t drain_interval_ms,
                        bool preallocate) {
  uint64_t samples_per_drain = uint64_t{cpus} * frequency_hz * drain_interval_ms / 1000;
  uint64_t wanted = samples_per_drain * kLateDrains;
  auto clamp = [wanted](uint32_t low, uint32_t high) {
    return static_cast<uint32_t>(std::clamp<uint64_t>(wanted, low, high));
  };
  return {clamp(kMinCounts, kMaxCounts),
          clamp(kMinCounts, preallocate ? kMaxChainsPreallocated : kMaxChains)};
}

BpfSession::BpfSession(const SessionOptions& options)
    : options_(options), object_(nullptr, bpf_object__close) {
  checkLoadable(options_.object_path, options_.btf_path);
  loadFirstThatWorks();
  fillFilters();
}

BpfSession::~BpfSession() { detach(); }

void BpfSession::loadFirstThatWorks() {
  std::optional<SamplerError> failure;
  for (const SamplerProgram& program : kPrograms) {
    std::string missing = missingFor(program, options_.features);
    if (!missing.empty()) {
      no_tables_reason_ = missing;
      continue;
    }
    // Linux 5.10 lets perf event programs use preallocated hash maps only. Which kernels do so is
    // not to be told from their version, so whatever the reason, try.
    for (bool preallocate : {false, true}) {
      if (!preallocate && !options_.features.growing_maps) continue;
      try {
        return load(program, preallocate);
      } catch (const SamplerError& error) {
        if (strcmp(error.code, "BUNSEN_BPF_LOAD") != 0) throw;
        failure = error;
        if (program.uses_tables) no_tables_reason_ = error.what();
      }
    }
  }
  throw *failure;
}

void BpfSession::load(const SamplerProgram& chosen, bool preallocate) {
  LibbpfLog log;
  LIBBPF_OPTS(bpf_object_open_opts, open_options);
  if (!options_.btf_path.empty()) open_options.btf_custom_path = options_.btf_path.c_str();
  object_.reset(bpf_object__open_file(options_.object_path.c_str(), &open_options));
  if (!object_) throw objectUnusable(options_.object_path, errno, log.text());

  auto map = [this](const char* name) {
    bpf_map* found = bpf_object__find_map_by_name(object_.get(), name);
    if (!found) throw objectUnusable(options_.object_path, 0, std::string("it has no map ") + name);
    return found;
  };
  program_ = nullptr;
  bpf_program* program;
  bpf_object__for_each_program(program, object_.get()) {
    bool is_wanted = strcmp(bpf_program__name(program), chosen.name) == 0;
    bpf_program__set_autoload(program, is_wanted);
    if (is_wanted) program_ = program;
  }
  if (!program_ && chosen.uses_tables)
    throw SamplerError("BUNSEN_BPF_LOAD", 0, "the tables are not made for this architecture");
  if (!program_)
    throw objectUnusable(options_.object_path, 0, std::string("it has no program ") + chosen.name);
  bpf_map* each;
  bpf_object__for_each_map(each, object_.get()) {
    if (strncmp(bpf_map__name(each), "unwind_", 7) == 0)
      bpf_map__set_autocreate(each, chosen.uses_tables);
  }
  chosen_ = &chosen;
  preallocated_ = preallocate;

  size_t config_bytes = 0;
  auto* config = static_cast<bunsen_config*>(
      const_cast<void*>(bpf_map__initial_value(map(".rodata.config"), &config_bytes)));
  if (!config || config_bytes != sizeof(*config))
    throw objectUnusable(options_.object_path, 0, "it was built from another version of bunsen.h");
  config->include_idle = options_.include_idle;
  config->exclude_kernel_threads = options_.exclude_kernel_threads;
  config->pid_filter_mode = options_.pid_filter_mode;
  config->cgroup_filter_mode = options_.cgroup_filter_mode;
  config->max_frames = readMaxStackFrames();

  map_sizes_ = chooseMapSizes(readOnlineCpus().size(), options_.frequency_hz,
                              options_.drain_interval_ms, preallocate);
  uint32_t hash_flags = preallocate ? 0 : BPF_F_NO_PREALLOC;
  bpf_map* counts_slot = map("counts");
  bpf_map* chains = map("chains");
  bpf_map__set_max_entries(chains, map_sizes_.chains);
  bpf_map__set_map_flags(chains, hash_flags);
  LIBBPF_OPTS(bpf_map_create_opts, counts_options, .map_flags = hash_flags);
  for (UniqueFd& fd : counts_) {
    fd = UniqueFd(bpf_map_create(BPF_MAP_TYPE_HASH, "counts", sizeof(bunsen_sample_key),
                                 sizeof(uint64_t), map_sizes_.counts, &counts_options));
    if (!fd) throw loadFailed(errno, "creating a counts map");
  }
  bpf_map__set_inner_map_fd(counts_slot, counts_[0].get());  // what the slot may hold
  bpf_map* processes = map("unwind_processes");
  bpf_map__set_max_entries(processes, tableProcesses());
  bpf_map__set_map_flags(processes, hash_flags);
  bpf_map__set_max_entries(map("pid_filter"), std::max<size_t>(1, options_.pids.size()));
  bpf_map__set_max_entries(map("cgroup_filter"), std::max<size_t>(1, options_.cgroup_ids.size()));

  if (int error = bpf_object__load(object_.get())) throw loadFailed(-error, log.text());

  counts_slot_fd_ = bpf_map__fd(counts_slot);
  chains_fd_ = bpf_map__fd(chains);
  counters_fd_ = bpf_map__fd(map("counters"));
  uint32_t slot = 0;
  int fd = counts_[counts_in_use_].get();
  if (bpf_map_update_elem(counts_slot_fd_, &slot, &fd, BPF_ANY))
    throw loadFailed(errno, "installing the counts map");
}

void BpfSession::fillFilters() {
  uint8_t listed = 1;
  int pids_fd = bpf_object__find_map_fd_by_name(object_.get(), "pid_filter");
  for (uint32_t pid : options_.pids)
    if (bpf_map_update_elem(pids_fd, &pid, &listed, BPF_ANY))
      throw loadFailed(errno, "filling the pid filter");
  int cgroups_fd = bpf_object__find_map_fd_by_name(object_.get(), "cgroup_filter");
  for (uint64_t id : options_.cgroup_ids)
    if (bpf_map_update_elem(cgroups_fd, &id, &listed, BPF_ANY))
      throw loadFailed(errno, "filling the cgroup filter");
}

UniqueFd BpfSession::openPerfEvent(int cpu) const {
  perf_event_attr attributes = {};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_CPU_CLOCK;
  attributes.freq = 1;
  attributes.sample_freq = options_.frequency_hz;
  return UniqueFd(static_cast<int>(
      syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
}

void BpfSession::followCpus() {
  std::vector<int> online = readOnlineCpus();
  for (auto link = links_.begin(); link != links_.end();) {
    if (std::find(online.begin(), online.end(), link->first) != online.end()) {
      ++link;
      continue;
    }
    bpf_link__destroy(link->second);
    link = links_.erase(link);
  }
  for (int cpu : online) {
    if (links_.count(cpu)) continue;
    UniqueFd event = openPerfEvent(cpu);
    if (!event) {
      if (errno == ENODEV) continue;  // went offline since the list was read
      throw perfEventRefused(errno, cpu);
    }
    LibbpfLog log;
    bpf_link* link = bpf_program__attach_perf_event(program_, event.get());
    if (!link) throw attachFailed(errno, cpu, log.text());
    event.release();  // the link closes it
    links_[cpu] = link;
  }
}

void BpfSession::detach() {
  for (auto& [cpu, link] : links_) bpf_link__destroy(link);
  links_.clear();
}

uint64_t BpfSession::fullMapBytes() const {
  return map_sizes_.fullBytes() + (usesTables() ? UnwindMaps::fullBytes(tableProcesses()) : 0);
}

uint32_t BpfSession::tableProcesses() const {
  return preallocated_ ? kTableProcessesPreallocated : kTableProcesses;
}

int BpfSession::mapFd(const char* name) const {
  return bpf_object__find_map_fd_by_name(object_.get(), name);
}

int BpfSession::swapCounts() {
  uint32_t slot = 0;
  int spare = counts_[1 - counts_in_use_].get();
  // For maps of maps the kernel returns from the update only after an RCU grace period
  // (maybe_wait_bpf_programs), and a perf event program is one RCU read-side section. So nothing
  // holds a pointer into the old map any more.
  if (bpf_map_update_elem(counts_slot_fd_, &slot, &spare, BPF_ANY))
    throw SamplerError("BUNSEN_DRAIN", errno,
                       std::string("cannot swap the counts maps: ") + strerror(errno));
  int quiescent = counts_[counts_in_use_].get();
  counts_in_use_ = 1 - counts_in_use_;
  return quiescent;
}

bunsen_counters BpfSession::readCounters() const {
  bunsen_counters sum = {};
  std::vector<bunsen_counters> per_cpu(static_cast<size_t>(libbpf_num_possible_cpus()));
  uint32_t slot = 0;
  if (bpf_map_lookup_elem(counters_fd_, &slot, per_cpu.data())) return sum;
  for (const bunsen_counters& cpu : per_cpu)
    for (size_t id = 0; id < BUNSEN_COUNTER_LIMIT; id++) sum.value[id] += cpu.value[id];
  return sum;
}

RunStats BpfSession::readRunStats() const {
  bpf_prog_info info = {};
  uint32_t bytes = sizeof(info);
  if (bpf_obj_get_info_by_fd(bpf_program__fd(program_), &info, &bytes)) return {0, 0};
  return {info.run_time_ns, info.run_cnt};
}

}  // namespace bunsen
