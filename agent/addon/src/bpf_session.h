// The kernel side of the sampler: loads the BPF object, keeps one perf event per online CPU
// attached to it, and reads its counters. Reading the samples themselves is sample_drain.h.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bunsen.h"
#include "kernel_features.h"
#include "process_table.h"
#include "unique_fd.h"

struct bpf_link;
struct bpf_object;
struct bpf_program;

namespace bunsen {

struct SessionOptions {
  std::string object_path;
  uint32_t frequency_hz = 0;
  uint32_t drain_interval_ms = 0;
  bool include_idle = false;
  bool exclude_kernel_threads = false;
  Features features;
  bunsen_filter_mode pid_filter_mode = BUNSEN_FILTER_OFF;
  std::vector<uint32_t> pids;
  bunsen_filter_mode cgroup_filter_mode = BUNSEN_FILTER_OFF;
  std::vector<uint64_t> cgroup_ids;
  std::string btf_path;  // "": the running kernel's own
  ProcessTags tags;
};

// Capacities, in elements. They follow from how many samples can come between two drains.
struct MapSizes {
  uint32_t counts;
  uint32_t chains;

  // Bytes of kernel memory when they are full. Maps that are not preallocated stay far below.
  uint64_t fullBytes() const;
};

MapSizes chooseMapSizes(size_t cpus, uint32_t frequency_hz, uint32_t drain_interval_ms,
                        bool preallocate);

// A program of the object.
struct SamplerProgram {
  const char* name;
  const char* walk;  // how it gets from frame to frame of a user stack: loop, calls, pointers
  bool uses_tables;
  bool uses_loop;
};

struct RunStats {
  uint64_t run_time_ns;  // both 0 unless kernel.bpf_stats_enabled
  uint64_t run_count;
};

class BpfSession {
 public:
  // Opens and loads. Throws SamplerError.
  explicit BpfSession(const SessionOptions& options);
  ~BpfSession();
  BpfSession(const BpfSession&) = delete;
  BpfSession& operator=(const BpfSession&) = delete;

  // Attaches CPUs that came online and lets go of those that went. Throws SamplerError if a CPU
  // that is online cannot be attached.
  void followCpus();

  // Detaches from all CPUs. No program runs any more once this has returned.
  void detach();

  // From the next attachment on.
  void setFrequency(uint32_t frequency_hz) { options_.frequency_hz = frequency_hz; }

  // Puts the spare counts map into use. Returns the fd of the one that was, to which no program
  // adds any more. It must be emptied before the next call.
  int swapCounts();

  int chainsFd() const { return chains_fd_; }
  size_t attachedCpus() const { return links_.size(); }
  bool preallocated() const { return preallocated_; }
  // Bytes of kernel memory when all maps are full.
  uint64_t fullMapBytes() const;

  // Whether user stacks are unwound by tables, which somebody then has to put into the maps below;
  // if not, why.
  bool usesTables() const { return chosen_->uses_tables; }
  const std::string& noTablesReason() const { return no_tables_reason_; }
  // How user stacks are walked: by "loop", "calls" or "pointers".
  const char* walk() const { return chosen_->walk; }
  // How many processes can have tables.
  uint32_t tableProcesses() const;
  // A map of the object by its name, such as "unwind_requests".
  int mapFd(const char* name) const;

  // Returns the counters, summed over all CPUs. Exact once detached; otherwise a sample in progress
  // may be in some and not yet in others. Safe from any thread.
  bunsen_counters readCounters() const;
  RunStats readRunStats() const;

 private:
  void loadFirstThatWorks();
  void load(const SamplerProgram& chosen, bool preallocate);
  void fillFilters();
  UniqueFd openPerfEvent(int cpu) const;

  SessionOptions options_;
  MapSizes map_sizes_{};
  bool preallocated_ = false;
  const SamplerProgram* chosen_ = nullptr;
  std::string no_tables_reason_;
  std::unique_ptr<bpf_object, void (*)(bpf_object*)> object_;
  bpf_program* program_ = nullptr;
  UniqueFd counts_[2];
  int counts_in_use_ = 0;
  int counts_slot_fd_ = -1;
  int chains_fd_ = -1;
  int counters_fd_ = -1;
  std::map<int, bpf_link*> links_;  // by CPU
};

}  // namespace bunsen
