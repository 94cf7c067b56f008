#include "fold.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "check.h"
#include "proc_files.h"

using namespace bunsen;

// Found by name through the test binary's own symbol table.
extern "C" __attribute__((noinline)) void bunsen_test_function() { asm volatile("nop; nop; nop"); }

namespace {

// Everything between a key and its names; the process is the test itself.
struct Fixture {
  NameTable names;
  ModuleTable modules{&names};
  KernelSymbols kernel{&names};
  TaskHistory history;
  ProcessTags tags{true, {"PATH"}};
  PerfMapFigures perf_maps;
  ProcessTable processes{&modules, &names, &history, &tags, &perf_maps};
  ChainCache chains;
  Folder folder{&names, &kernel, &chains};
  Window window;

  Fixture() {
    kernel.append("ffffffff81000000 T kernel_leaf\nffffffff81000100 T kernel_caller\n");
    kernel.finish();
  }

  // Returns the names, leaf first, separated by " < ".
  std::string fold(const bunsen_sample_key& key) {
    std::string line;
    for (FunctionIndex frame : folder.fold(key, processes.find(key, &window))) {
      if (!line.empty()) line += " < ";
      line += names.string(names.function(frame).name);
    }
    return line;
  }
};

bunsen_sample_key keyOf(pid_t pid) {
  std::string stat;
  readWholeFile(procPath(static_cast<uint32_t>(pid), "stat"), &stat);
  bunsen_sample_key key = {};
  key.tgid = static_cast<uint32_t>(pid);
  key.start_boottime_ns = parseStartTicks(stat).value_or(0) *
                          (1'000'000'000 / static_cast<uint64_t>(sysconf(_SC_CLK_TCK)));
  key.exec_id = 5;
  strcpy(key.comm, "a-thread");
  return key;
}

uint64_t testFunction() { return reinterpret_cast<uint64_t>(&bunsen_test_function); }

}  // namespace

TEST("processes: command line and the variables that were asked for, of whoever runs") {
  Fixture fixture;
  Process* process = fixture.processes.find(keyOf(getpid()), &fixture.window);
  CHECK_EQ(fixture.names.string(process->description.environment),
           std::string("PATH=") + getenv("PATH"));
  CHECK(fixture.names.string(process->description.command_line).find("unit-tests") !=
        std::string_view::npos);
}

TEST("fold: kernel frames, then user frames; callers by the address before the return address") {
  Fixture fixture;
  bunsen_chain chain = {};
  chain.length = 1;
  chain.ip[0] = 0xffffffff81000101;
  fixture.chains.put(100, chain);
  chain.ip[0] = testFunction() + 1;
  chain.flags = BUNSEN_CHAIN_TRUNCATED;
  fixture.chains.put(200, chain);

  bunsen_sample_key key = keyOf(getpid());
  key.kernel_leaf_ip = 0xffffffff81000000;
  key.kernel_chain = 100;
  key.user_leaf_ip = testFunction();
  key.user_chain = 200;
  CHECK_EQ(fixture.fold(key),
           "kernel_leaf < kernel_caller < bunsen_test_function < bunsen_test_function < "
           "[truncated]");
  // A call that is the last instruction of the function before.
  chain.flags = 0;
  chain.ip[0] = 0xffffffff81000100;
  fixture.chains.put(300, chain);
  key.user_leaf_ip = 0;
  key.kernel_chain = 300;
  CHECK_EQ(fixture.fold(key), "kernel_leaf < kernel_leaf");
}

TEST("fold: what is missing is a frame of its own") {
  Fixture fixture;
  bunsen_sample_key key = keyOf(getpid());
  CHECK_EQ(fixture.fold(key), "[no stack]");
  key.flags = BUNSEN_SAMPLE_USER_STACK_FAILED;
  CHECK_EQ(fixture.fold(key), "[stack lost]");
  key.flags = 0;
  key.user_leaf_ip = testFunction();
  key.user_chain = BUNSEN_CHAIN_LOST;
  CHECK_EQ(fixture.fold(key), "bunsen_test_function < [stack lost]");
  CHECK_EQ(fixture.chains.missing(), 0u);
  key.user_chain = 4711;
  CHECK_EQ(fixture.fold(key), "bunsen_test_function < [stack lost]");
  CHECK_EQ(fixture.chains.missing(), 1u);
  key.user_chain = 0;
  key.flags = BUNSEN_SAMPLE_USER_STACK_INCOMPLETE;
  CHECK_EQ(fixture.fold(key), "bunsen_test_function < [incomplete]");
  key.flags = 0;
  key.user_leaf_ip = 0x10;
  CHECK_EQ(fixture.fold(key), "[unknown]");
}

TEST("fold: a process that is gone, one whose id was reused, and one that has executed since") {
  Fixture fixture;
  pid_t child = fork();
  if (child == 0) _exit(0);
  bunsen_sample_key key = keyOf(child);
  waitpid(child, nullptr, 0);
  key.user_leaf_ip = testFunction();
  key.kernel_leaf_ip = 0xffffffff81000000;
  CHECK_EQ(fixture.fold(key), "kernel_leaf < [process exited]");

  bunsen_sample_key earlier = keyOf(getpid());
  earlier.user_leaf_ip = testFunction();
  earlier.start_boottime_ns -= 1'000'000'000;
  CHECK_EQ(fixture.fold(earlier), "[process exited]");

  bunsen_sample_key present = keyOf(getpid());
  present.user_leaf_ip = testFunction();
  CHECK_EQ(fixture.fold(present), "bunsen_test_function");
  bunsen_sample_key before_exec = present;
  before_exec.exec_id--;
  CHECK_EQ(fixture.fold(before_exec), "[process exited]");

  WindowColumns columns = fixture.window.columns(fixture.names);
  CHECK_EQ(columns.process_pid.size(), 4u);
  CHECK_EQ(int{columns.process_flags[0]}, int{kProcessGone});
  CHECK_EQ(int{columns.process_flags[2]}, 0);
  auto string = [&columns](uint32_t i) {
    return columns.strings.substr(columns.string_offsets[i],
                                  columns.string_offsets[i + 1] - columns.string_offsets[i]);
  };
  CHECK_EQ(string(columns.process_comm[0]), "a-thread");
  CHECK_EQ(string(columns.process_exe[2]), readExe(static_cast<uint32_t>(getpid())));
}

TEST("fold: the vdso is named from our own") {
  Fixture fixture;
  std::string maps;
  readWholeFile("/proc/self/maps", &maps);
  for (const Mapping& mapping : parseMappings(maps)) {
    if (mapping.path != "[vdso]") continue;
    std::shared_ptr<Module> vdso = fixture.modules.vdso();
    CHECK(vdso != nullptr);
    // Whatever is at its start, it is the vdso's and not the neighbour's.
    bunsen_sample_key key = keyOf(getpid());
    key.user_leaf_ip = mapping.start + 0x800;
    CHECK(!fixture.fold(key).empty());
    CHECK(fixture.fold(key) != "[unknown]");
    return;
  }
  throw test::Skip{"no vdso here"};
}

TEST("processes: forgotten when unused, found again") {
  Fixture fixture;
  bunsen_sample_key key = keyOf(getpid());
  Process* process = fixture.processes.find(key, &fixture.window);
  CHECK_EQ(fixture.processes.find(key, &fixture.window), process);
  CHECK_EQ(fixture.processes.created(), 1u);
  for (uint32_t i = 0; i <= ProcessTable::kKeptWindows; i++) fixture.processes.endWindow();
  CHECK_EQ(fixture.processes.size(), 0u);
  fixture.window.clear();
  CHECK(!fixture.processes.find(key, &fixture.window)->gone());
}

TEST("processes: read again when told of a change, else in turns") {
  Fixture fixture;
  bunsen_sample_key key = keyOf(getpid());
  char own_name[16];
  prctl(PR_GET_NAME, own_name);
  auto isTurn = [&key](uint32_t window) {
    return (window + key.tgid) % ProcessTable::kReadAgainWindows == 0;
  };
  uint32_t window = 0;
  auto nameInNextWindow = [&] {
    fixture.processes.endWindow();
    window++;
    Process* process = fixture.processes.find(key, &fixture.window);
    return std::string(fixture.names.string(process->description.comm));
  };
  fixture.processes.find(key, &fixture.window);
  while (isTurn(window + 1)) nameInNextWindow();
  prctl(PR_SET_NAME, "second");
  CHECK_EQ(nameInNextWindow(), own_name);
  fixture.processes.markChanged({1, key.tgid});
  CHECK_EQ(nameInNextWindow(), "second");
  prctl(PR_SET_NAME, "third");
  fixture.processes.markAllChanged();
  CHECK_EQ(nameInNextWindow(), "third");
  prctl(PR_SET_NAME, "fourth");
  key.cgroup_id++;
  CHECK_EQ(nameInNextWindow(), "fourth");
  while (isTurn(window + 1)) nameInNextWindow();
  prctl(PR_SET_NAME, "fifth");
  while (!isTurn(window + 1)) CHECK_EQ(nameInNextWindow(), "fourth");
  CHECK_EQ(nameInNextWindow(), "fifth");
  prctl(PR_SET_NAME, own_name);
}
