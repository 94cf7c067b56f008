#include "window.h"

#include "check.h"

using namespace bunsen;

TEST("window: equal stacks and samples merge, columns refer to what they use and nothing else") {
  NameTable names;
  MappingIndex unused_mapping = names.addMapping("/unused", "", MappingKind::kUserElf);
  names.addFunction("unused", "unused", unused_mapping, 1);
  MappingIndex app = names.addMapping("/app", "abcd", MappingKind::kUserElf);
  FunctionIndex main = names.addFunction("main", "main", app, 0x10);
  FunctionIndex work = names.addFunction("work(int)", "_Z4worki", app, 0x20);
  CHECK_EQ(names.addFunction("work(int)", "_Z4worki.cold", app, 0x30), work);
  StringIndex comm = names.addString("worker");

  Window window;
  WindowProcess process;
  process.pid = 42;
  process.start_ticks = 7;
  process.exe = names.addString("/app");
  uint32_t index = window.addProcess(process);
  window.add({work, main}, index, comm, 9, 3);
  window.add({main}, index, comm, 9, 1);
  window.add({work, main}, index, comm, 9, 2);
  window.add({work, main}, index, 0, 9, 10);
  window.addWalk(index, names.addString("unwind_complete"), 3);
  window.addWalk(index, names.addString("unwind_absent"), 1);
  window.addWalk(index, names.addString("unwind_complete"), 12);

  WindowColumns columns = window.columns(names);
  auto string = [&columns](uint32_t i) {
    return columns.strings.substr(columns.string_offsets[i],
                                  columns.string_offsets[i + 1] - columns.string_offsets[i]);
  };
  CHECK_EQ(columns.stack_offsets.size(), 3u);
  CHECK_EQ(columns.sample_stack.size(), 3u);
  CHECK_EQ(columns.function_name.size(), 2u);
  CHECK_EQ(columns.mapping_file.size(), 1u);
  CHECK_EQ(string(0), "");
  uint64_t total = 0;
  for (size_t i = 0; i < columns.sample_count.size(); i++) {
    total += columns.sample_count[i];
    if (columns.sample_count[i] != 5) continue;
    uint32_t first = columns.stack_offsets[columns.sample_stack[i]];
    uint32_t leaf = columns.stack_functions[first];
    CHECK_EQ(string(columns.function_name[leaf]), "work(int)");
    CHECK_EQ(string(columns.function_system_name[leaf]), "_Z4worki");
    CHECK_EQ(string(columns.mapping_build_id[columns.function_mapping[leaf]]), "abcd");
    CHECK_EQ(string(columns.function_name[columns.stack_functions[first + 1]]), "main");
    CHECK_EQ(string(columns.sample_comm[i]), "worker");
    CHECK_EQ(columns.sample_cgroup_id[i], 9u);
  }
  CHECK_EQ(total, 16u);
  CHECK_EQ(columns.process_pid[0], 42u);
  CHECK_EQ(string(columns.process_exe[0]), "/app");

  CHECK_EQ(columns.walk_count.size(), 2u);
  for (size_t i = 0; i < columns.walk_count.size(); i++) {
    CHECK_EQ(columns.walk_process[i], index);
    bool is_complete = string(columns.walk_end[i]) == "unwind_complete";
    CHECK_EQ(columns.walk_count[i], is_complete ? 15u : 1u);
  }

  window.clear();
  columns = window.columns(names);
  CHECK(columns.sample_count.empty() && columns.process_pid.empty());
  CHECK(columns.walk_count.empty());
  CHECK_EQ(columns.stack_offsets.size(), 1u);
  CHECK_EQ(columns.string_offsets.size(), 2u);
}

TEST("names: strings larger than a block, and empty ones") {
  NameTable names;
  std::string large(200'000, 'x');
  StringIndex index = names.addString(large);
  CHECK_EQ(names.addString(""), 0u);
  CHECK_EQ(names.addString(large), index);
  CHECK_EQ(names.string(names.addString("after")), "after");
  CHECK_EQ(names.string(index).size(), large.size());
}
