// The pipeline of one host: kernel maps -> processes -> functions -> window.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "bpf_session.h"
#include "chain_cache.h"
#include "fold.h"
#include "kernel_symbols.h"
#include "module_table.h"
#include "name_table.h"
#include "proc_files.h"
#include "process_table.h"
#include "sample_drain.h"
#include "task_events.h"
#include "task_history.h"
#include "unwind_worker.h"
#include "window.h"

namespace bunsen {

struct DrainResult {
  uint64_t samples;
  uint64_t new_processes;
};

// All functions but counters() must be called by one thread at a time.
class Profiler {
 public:
  // Loads and attaches; samples are taken from here on. Throws SamplerError.
  explicit Profiler(const SessionOptions& options);

  // Moves what was sampled since the last call into the window, and follows CPU hotplug.
  // Throws SamplerError.
  DrainResult drain();

  // Returns the window and starts an empty one.
  // @param trim gives up names and symbols, which are read again when they are needed, and the
  //     memory that they took
  WindowColumns takeWindow(bool trim);

  // Samples at another frequency from now on. What was sampled before is in the window when this
  // returns, and nothing else: whoever takes the window first thing has samples of one period.
  // If draining fails, the frequency stays. Throws SamplerError.
  void setFrequency(uint32_t frequency_hz);

  // Stops sampling, then drains: counters and windows are final and agree exactly.
  void stop();

  // Returns the counters of bunsen.h and of the addon by name, see README.md. Any thread.
  std::map<std::string, uint64_t> counters() const;

  const BpfSession& session() const { return session_; }

  // Whether the kernel hands out records of processes that begin, execute and end.
  bool hasTaskRecords() const { return task_events_.active(); }

 private:
  // Everything that holds indices of one name table. Started anew when the table has grown too
  // large, so that names of processes long gone do not stay for ever.
  struct Naming {
    Naming(LineWorker* lines, ChainCache* chains, const TaskHistory* history,
           const ProcessTags* tags, PerfMapFigures* perf_maps);

    NameTable names;
    ModuleTable modules;
    KernelSymbols kernel;
    ProcessTable processes;
    Folder folder;
    Window window;
  };

  DrainResult moveIntoWindow();
  void followCpus();
  void foldIntoWindow(std::vector<CountedSample>* samples);
  void publishGauges();

  const ProcessTags tags_;
  BpfSession session_;
  std::unique_ptr<UnwindWorker> unwinding_;  // null without tables
  LineWorker lines_;
  SampleDrain sample_drain_;
  ChainCache chains_;
  TaskEvents task_events_;
  TaskHistory task_history_;
  PerfMapFigures perf_maps_;
  std::unique_ptr<Naming> naming_;
  bool is_stopped_ = false;
  // By tables of names that are no more.
  uint64_t processes_recorded_before_ = 0, named_without_lines_before_ = 0;

  // Read by counters() while a drain runs.
  std::atomic<uint64_t> samples_folded_{0}, drains_{0}, chains_missing_{0}, processes_{0},
      modules_{0}, named_without_lines_{0}, task_events_active_{0}, task_events_lost_{0},
      processes_recorded_{0}, symbol_bytes_{0}, name_bytes_{0}, name_resets_{0},
      perf_map_lines_skipped_{0}, perf_maps_cut_{0};
  std::atomic<bool> kernel_symbols_hidden_{false};
  const bool pid_namespace_foreign_ = !isInInitialPidNamespace();
};

}  // namespace bunsen
