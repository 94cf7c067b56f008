#include "window.h"

#include <algorithm>

namespace bunsen {

namespace {

constexpr uint32_t kUnused = UINT32_MAX;

uint64_t mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15ull;
  return hash ^ hash >> 32;
}

// Gives the used elements of a table consecutive new indices, in the order of first use.
class Renumbering {
 public:
  explicit Renumbering(size_t table_size) : new_index_(table_size, kUnused) {}

  uint32_t operator()(uint32_t old_index) {
    uint32_t& index = new_index_[old_index];
    if (index == kUnused) {
      index = static_cast<uint32_t>(used_.size());
      used_.push_back(old_index);
    }
    return index;
  }

  const std::vector<uint32_t>& used() const { return used_; }

 private:
  std::vector<uint32_t> new_index_;
  std::vector<uint32_t> used_;
};

}  // namespace

Window::Window() : stacks_(64, StackHash{this}, StackEqual{this}) {}

size_t Window::StackHash::operator()(uint32_t stack) const {
  uint64_t hash = 0;
  for (uint32_t i = window->stack_offsets_[stack]; i < window->stack_offsets_[stack + 1]; i++)
    hash = mix(hash, window->stack_functions_[i]);
  return hash;
}

bool Window::StackEqual::operator()(uint32_t left, uint32_t right) const {
  auto at = [this](uint32_t stack) {
    return window->stack_functions_.begin() + window->stack_offsets_[stack];
  };
  return std::equal(at(left), at(left + 1), at(right), at(right + 1));
}

bool Window::Sample::operator==(const Sample& other) const {
  return stack == other.stack && process == other.process && comm == other.comm &&
         cgroup_id == other.cgroup_id;
}

size_t Window::SampleHash::operator()(const Sample& sample) const {
  uint64_t hash = mix(sample.cgroup_id, uint64_t{sample.stack} << 32 | sample.process);
  return mix(hash, sample.comm);
}

uint32_t Window::addProcess(const WindowProcess& process) {
  processes_.push_back(process);
  return static_cast<uint32_t>(processes_.size() - 1);
}

uint32_t Window::addStack(const std::vector<FunctionIndex>& frames) {
  // Appended first, so that the set can hash and compare it in place; taken back if it is known.
  auto candidate = static_cast<uint32_t>(stack_offsets_.size() - 1);
  stack_functions_.insert(stack_functions_.end(), frames.begin(), frames.end());
  stack_offsets_.push_back(static_cast<uint32_t>(stack_functions_.size()));
  auto [known, is_new] = stacks_.insert(candidate);
  if (!is_new) {
    stack_offsets_.pop_back();
    stack_functions_.resize(stack_offsets_.back());
  }
  return *known;
}

void Window::add(const std::vector<FunctionIndex>& frames, uint32_t process, StringIndex comm,
                 uint64_t cgroup_id, uint64_t count) {
  samples_[{cgroup_id, addStack(frames), process, comm}] += count;
}

void Window::clear() {
  samples_.clear();
  walks_.clear();
  stacks_.clear();
  stack_functions_.clear();
  stack_offsets_.assign(1, 0);
  processes_.clear();
}

WindowColumns Window::columns(const NameTable& names) const {
  WindowColumns columns;
  Renumbering strings(names.stringCount());
  Renumbering mappings(names.mappingCount());
  Renumbering functions(names.functionCount());
  strings(0);

  columns.stack_offsets = stack_offsets_;
  columns.stack_functions.reserve(stack_functions_.size());
  for (FunctionIndex function : stack_functions_)
    columns.stack_functions.push_back(functions(function));

  for (const auto& [sample, count] : samples_) {
    columns.sample_stack.push_back(sample.stack);
    columns.sample_process.push_back(sample.process);
    columns.sample_comm.push_back(strings(sample.comm));
    columns.sample_cgroup_id.push_back(sample.cgroup_id);
    columns.sample_count.push_back(count);
  }
  for (const WindowProcess& process : processes_) {
    columns.process_pid.push_back(process.pid);
    columns.process_start_ticks.push_back(process.start_ticks);
    columns.process_exe.push_back(strings(process.exe));
    columns.process_comm.push_back(strings(process.comm));
    columns.process_cgroup.push_back(strings(process.cgroup));
    columns.process_command_line.push_back(strings(process.command_line));
    columns.process_environment.push_back(strings(process.environment));
    columns.process_flags.push_back(process.flags);
  }
  for (const auto& [walk, count] : walks_) {
    columns.walk_process.push_back(walk.first);
    columns.walk_end.push_back(strings(walk.second));
    columns.walk_count.push_back(count);
  }
  for (FunctionIndex index : functions.used()) {
    const FunctionName& function = names.function(index);
    columns.function_name.push_back(strings(function.name));
    columns.function_system_name.push_back(strings(function.system_name));
    columns.function_mapping.push_back(mappings(function.mapping));
    columns.function_address.push_back(function.address);
    columns.function_file.push_back(strings(function.file));
    columns.function_line.push_back(function.line);
  }
  for (MappingIndex index : mappings.used()) {
    const MappingName& mapping = names.mapping(index);
    columns.mapping_file.push_back(strings(mapping.file));
    columns.mapping_build_id.push_back(strings(mapping.build_id));
    columns.mapping_kind.push_back(static_cast<uint8_t>(mapping.kind));
  }
  columns.string_offsets.push_back(0);
  for (StringIndex index : strings.used()) {
    columns.strings += names.string(index);
    columns.string_offsets.push_back(static_cast<uint32_t>(columns.strings.size()));
  }
  return columns;
}

}  // namespace bunsen
