#include "task_history.h"

#include "check.h"

using namespace bunsen;

namespace {

TaskEvent event(TaskEvent::Kind kind, uint64_t time_ns, uint32_t pid, std::string comm = "") {
  TaskEvent result;
  result.kind = kind;
  result.time_ns = time_ns;
  result.pid = pid;
  result.comm = std::move(comm);
  return result;
}

TaskEvent forkOf(uint32_t parent, uint64_t time_ns, uint32_t pid) {
  TaskEvent result = event(TaskEvent::kFork, time_ns, pid);
  result.parent = parent;
  return result;
}

TaskEvent map(uint64_t time_ns, uint32_t pid, uint64_t start, uint64_t end, std::string path) {
  TaskEvent result = event(TaskEvent::kMap, time_ns, pid);
  result.mapping.start = start;
  result.mapping.end = end;
  result.mapping.path = std::move(path);
  return result;
}

std::string pathsOf(const TaskImage* image) {
  std::string paths;
  for (const Mapping& mapping : image->mappings) paths += mapping.path + " ";
  return paths;
}

// A process that forks at 100 and executes at 200.
TaskHistory forkAndExec() {
  TaskHistory history;
  history.add(forkOf(1, 100, 10));
  history.add(event(TaskEvent::kExec, 200, 10, "tool"));
  history.add(map(201, 10, 0x5000, 0x6000, "/bin/tool"));
  history.add(map(202, 10, 0x1000, 0x2000, "/lib/ld.so"));
  return history;
}

}  // namespace

TEST("task history: those are told once that mapped code or took a name") {
  TaskHistory history = forkAndExec();
  history.add(event(TaskEvent::kName, 300, 11, "worker"));
  history.add(event(TaskEvent::kExit, 300, 12));
  CHECK(history.takeChanged() == (std::unordered_set<uint32_t>{10, 11}));
  CHECK(history.takeChanged().empty());
}

TEST("task history: before an exec a process is its parent, afterwards what it executed") {
  TaskHistory history = forkAndExec();
  const TaskImage* after = history.find(10, 99, "tool");
  CHECK(after && !after->is_parents);
  CHECK_EQ(pathsOf(after), "/lib/ld.so /bin/tool ");
  CHECK_EQ(after->executable, "/bin/tool");
  CHECK_EQ(after->parent, 1u);
  const TaskImage* before = history.find(10, 99, "sh");
  CHECK(before && before->is_parents && before->parent == 1);
  history.add(event(TaskEvent::kName, 300, 10, "worker"));
  CHECK(history.find(10, 99, "worker") == history.find(10, 99, "tool"));
}

TEST("task history: a fork of a known process has its names and mappings") {
  TaskHistory history = forkAndExec();
  history.add(forkOf(10, 300, 11));
  const TaskImage* child = history.find(11, 299, "tool");
  CHECK(child && !child->is_parents);
  CHECK_EQ(pathsOf(child), "/lib/ld.so /bin/tool ");
  CHECK_EQ(child->parent, 10u);
  history.add(map(301, 11, 0x5800, 0x7000, "/lib/plugin"));
  CHECK_EQ(pathsOf(history.find(11, 299, "tool")), "/lib/ld.so /lib/plugin ");
  CHECK_EQ(pathsOf(history.find(10, 99, "tool")), "/lib/ld.so /bin/tool ");
}

TEST("task history: a reused pid is another process") {
  TaskHistory history = forkAndExec();
  history.add(event(TaskEvent::kExit, 400, 10));
  history.add(forkOf(2, 500, 10));
  history.add(event(TaskEvent::kExec, 600, 10, "other"));
  history.add(map(601, 10, 0x5000, 0x6000, "/bin/other"));
  CHECK_EQ(pathsOf(history.find(10, 99, "tool")), "/lib/ld.so /bin/tool ");
  CHECK_EQ(pathsOf(history.find(10, 499, "other")), "/bin/other ");
  CHECK(history.find(10, 700, "other") == nullptr);
  CHECK(history.find(12, 99, "tool") == nullptr);
}

TEST("task history: of a process that was there before, only an exec is known as a whole") {
  TaskHistory history;
  history.add(map(100, 20, 0x1000, 0x2000, "/lib/plugin"));
  CHECK(history.find(20, 5, "server") == nullptr);
  history.add(event(TaskEvent::kExec, 200, 20, "server"));
  history.add(map(201, 20, 0x1000, 0x2000, "/bin/server"));
  CHECK_EQ(pathsOf(history.find(20, 5, "server")), "/bin/server ");
}

TEST(
    "task history: who said nothing for a while is forgotten, and the oldest when there are many") {
  TaskHistory history = forkAndExec();
  history.forget(202 + TaskHistory::kKeptNs);
  CHECK(history.find(10, 99, "tool") != nullptr);
  history.forget(203 + TaskHistory::kKeptNs);
  CHECK_EQ(history.size(), 0u);
  for (uint32_t pid = 1; pid <= 1000; pid++) {
    history.add(forkOf(0, pid, pid));
    for (uint64_t n = 0; n < 100; n++) history.add(map(pid, pid, n * 16, n * 16 + 16, "/bin/x"));
  }
  history.forget(1000);
  CHECK_EQ(history.size(), TaskHistory::kMaxMappings / 100);
  CHECK(history.find(1, 0, "") == nullptr);
  CHECK(history.find(1000, 999, "") != nullptr);
}
