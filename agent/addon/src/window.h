// One window of folded samples, and its form as columns.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "name_table.h"

namespace bunsen {

// A process as it was when the window first saw it.
struct WindowProcess {
  uint32_t pid = 0;
  uint64_t start_ticks = 0;  // clock ticks since boot
  StringIndex exe = 0;
  StringIndex comm = 0;
  StringIndex cgroup = 0;  // content of /proc/PID/cgroup
  // Both only where they are asked for.
  StringIndex command_line = 0;  // arguments, joined by spaces
  StringIndex environment = 0;   // NAME=VALUE of the variables that were asked for, joined by NUL
  uint8_t flags = 0;             // kProcess*
};

constexpr uint8_t kProcessKernelThread = 1 << 0;
constexpr uint8_t kProcessGone = 1 << 1;  // before it could be read

// What crosses to JavaScript, see native.ts. Only what the window uses is in it; indices refer to
// the window's own columns. String 0 is "".
struct WindowColumns {
  std::string strings;  // concatenated
  std::vector<uint32_t> string_offsets;
  std::vector<uint32_t> function_name, function_system_name, function_mapping, function_file,
      function_line;
  std::vector<uint64_t> function_address;
  std::vector<uint32_t> mapping_file, mapping_build_id;
  std::vector<uint8_t> mapping_kind;
  std::vector<uint32_t> stack_offsets, stack_functions;  // leaf first
  std::vector<uint32_t> sample_stack, sample_process, sample_comm;
  std::vector<uint64_t> sample_count, sample_cgroup_id;
  std::vector<uint32_t> process_pid;
  std::vector<uint64_t> process_start_ticks;
  std::vector<uint32_t> process_exe, process_comm, process_cgroup;
  std::vector<uint32_t> process_command_line, process_environment;
  std::vector<uint8_t> process_flags;
  // How many walks of user stacks ended how, for each process: names of counters.
  std::vector<uint32_t> walk_process, walk_end;
  std::vector<uint64_t> walk_count;
};

class Window {
 public:
  Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  // Returns the index for add().
  uint32_t addProcess(const WindowProcess& process);

  // @param frames leaf first, kernel frames before user frames
  void add(const std::vector<FunctionIndex>& frames, uint32_t process, StringIndex comm,
           uint64_t cgroup_id, uint64_t count);

  // @param end name of the counter of how walks end
  void addWalk(uint32_t process, StringIndex end, uint64_t count) {
    walks_[{process, end}] += count;
  }

  // Empties the window: no samples, no processes.
  void clear();

  WindowColumns columns(const NameTable& names) const;

 private:
  struct StackHash {
    const Window* window;
    size_t operator()(uint32_t stack) const;
  };
  struct StackEqual {
    const Window* window;
    bool operator()(uint32_t left, uint32_t right) const;
  };
  struct Sample {
    uint64_t cgroup_id;
    uint32_t stack, process;
    StringIndex comm;
    bool operator==(const Sample& other) const;
  };
  struct SampleHash {
    size_t operator()(const Sample& sample) const;
  };

  uint32_t addStack(const std::vector<FunctionIndex>& frames);

  std::vector<WindowProcess> processes_;
  std::vector<uint32_t> stack_offsets_{0};
  std::vector<FunctionIndex> stack_functions_;
  std::unordered_set<uint32_t, StackHash, StackEqual> stacks_;  // compares within this window
  std::unordered_map<Sample, uint64_t, SampleHash> samples_;
  std::map<std::pair<uint32_t, StringIndex>, uint64_t> walks_;  // by process and end
};

}  // namespace bunsen
