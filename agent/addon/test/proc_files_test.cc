#include "proc_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "cpu_list.h"

using namespace bunsen;

TEST("proc: start time behind a command name with spaces and parentheses") {
  std::string stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3";
  CHECK_EQ(parseStartTicks(stat).value_or(0), 987654u);
  CHECK(!parseStartTicks(""));
  CHECK(!parseStartTicks("42 (a) S 1 2 3"));
}

TEST("proc: innermost pid namespace") {
  CHECK_EQ(parseNamespacedPid("Name:\tx\nNSpid:\t4711\t12\t1\nVmRSS: 1\n").value_or(0), 1u);
  CHECK_EQ(parseNamespacedPid("Name:\tx\nNSpid:\t4711\n").value_or(0), 4711u);
  CHECK(!parseNamespacedPid("Name:\tx\n"));
}

TEST("proc: arguments, and the variables that are asked for, no others") {
  using namespace std::string_literals;
  CHECK_EQ(joinArguments("java\0-jar\0app.jar\0"s), "java -jar app.jar");
  CHECK_EQ(joinArguments("postgres: writer\0\0\0"s), "postgres: writer");
  CHECK_EQ(joinArguments(""), "");
  std::string environment = "A=1\0TOKEN=secret\0VERSION=1.2=3\0NO\0A=2\0EMPTY=\0"s;
  CHECK_EQ(selectVariables(environment, {"VERSION", "A"}), "A=1\0VERSION=1.2=3"s);
  CHECK_EQ(selectVariables(environment, {"NO", "EMPTY", "TOK"}), "EMPTY=");
  CHECK_EQ(selectVariables("", {"A"}), "");
  CHECK_EQ(selectVariables("A=" + std::string(9999, 'x'), {"A"}).size(), 2 + 4096u);
}

TEST("proc: this process is running since its start, not since another time") {
  std::string stat;
  CHECK(readWholeFile("/proc/self/stat", &stat));
  auto pid = static_cast<uint32_t>(getpid());
  uint64_t start = parseStartTicks(stat).value_or(0);
  CHECK(isRunning(pid, start));
  CHECK(!isRunning(pid, start + 1));
  CHECK(!readExe(pid).empty());
}

TEST("proc: only regular files are opened, and a FIFO does not block") {
  std::string fifo = "/tmp/bunsen-test-" + std::to_string(getpid());
  CHECK_EQ(mkfifo(fifo.c_str(), 0600), 0);
  auto pid = static_cast<uint32_t>(getpid());
  CHECK(!openInRoot(pid, fifo));
  unlink(fifo.c_str());
  CHECK(!openInRoot(pid, "/etc"));
  CHECK(!openInRoot(pid, "/no/such/file"));
  CHECK(static_cast<bool>(openInRoot(pid, "/etc/passwd")));
}

TEST("cpu list: ranges, single CPUs, garbage") {
  CHECK(parseCpuList("0-3,5\n") == (std::vector<int>{0, 1, 2, 3, 5}));
  CHECK(parseCpuList("0") == (std::vector<int>{0}));
  CHECK(parseCpuList("") == std::vector<int>{});
  CHECK(parseCpuList("1,x,3") == (std::vector<int>{1}));
  CHECK(parseCpuList("3-1") == std::vector<int>{});
  CHECK(parseCpuList("0-999999999") == std::vector<int>{});
}
