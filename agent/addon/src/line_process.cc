#include "line_process.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>

#include "unique_fd.h"

namespace bunsen {

namespace {

constexpr size_t kMaxAnswerBytes = 16 << 20;
constexpr int kFile = 3;  // as lines/main.cc has it

// It is built beside this code.
std::string programPath() {
  Dl_info own;
  if (dladdr(reinterpret_cast<void*>(&readLines), &own) == 0) return "";
  std::string path = own.dli_fname;
  return path.substr(0, path.rfind('/') + 1) + "bunsen-lines";
}

int64_t nowMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

struct Pipe {
  UniqueFd read, write;

  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    read = UniqueFd(ends[0]);
    write = UniqueFd(ends[1]);
  }
};

// Returns 0 if it cannot be started.
pid_t start(int file, const Pipe& questions, const Pipe& answers) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // Copies above those that the process is given, so that none is overwritten before it is used.
  UniqueFd in(fcntl(questions.read.get(), F_DUPFD_CLOEXEC, kFile + 1));
  UniqueFd out(fcntl(answers.write.get(), F_DUPFD_CLOEXEC, kFile + 1));
  UniqueFd of(fcntl(file, F_DUPFD_CLOEXEC, kFile + 1));
  posix_spawn_file_actions_adddup2(&actions, in.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, of.get(), kFile);
  std::string path = programPath();
  char* arguments[] = {path.data(), nullptr};
  char* environment[] = {nullptr};
  pid_t pid = 0;
  int error = posix_spawn(&pid, path.c_str(), &actions, nullptr, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? pid : 0;
}

// Returns all up to the end, or nothing if that is too late, too much, or not wanted any more.
std::optional<std::string> readAll(int from, int stop, int64_t until_ms) {
  std::string bytes;
  char piece[64 << 10];
  for (;;) {
    pollfd ready[] = {{from, POLLIN, 0}, {stop, POLLIN, 0}};
    int64_t left_ms = until_ms - nowMs();
    if (left_ms <= 0) return std::nullopt;
    if (poll(ready, 2, static_cast<int>(left_ms)) <= 0) continue;
    if (ready[1].revents) return std::nullopt;
    ssize_t got = read(from, piece, sizeof(piece));
    if (got == 0) return bytes;
    if (got < 0 || bytes.size() + static_cast<size_t>(got) > kMaxAnswerBytes) return std::nullopt;
    bytes.append(piece, static_cast<size_t>(got));
  }
}

uint64_t milliseconds(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1000 + static_cast<uint64_t>(time.tv_usec) / 1000;
}

}  // namespace

LineAnswer readLines(int file, const std::vector<uint64_t>& addresses, int stop) {
  LineAnswer answer;
  Pipe questions, answers;
  size_t bytes = std::min(addresses.size(), kMaxLineAddresses) * sizeof(uint64_t);
  // Before there is a reader: it fits into a pipe. Where the kernel has made that smaller, it
  // fails.
  if (!questions.write || !answers.write ||
      fcntl(questions.write.get(), F_SETFL, O_NONBLOCK) != 0 ||
      write(questions.write.get(), addresses.data(), bytes) != static_cast<ssize_t>(bytes))
    return answer;
  pid_t pid = start(file, questions, answers);
  if (pid == 0) return answer;
  questions.write = UniqueFd();
  answers.write = UniqueFd();
  std::optional<std::string> read = readAll(answers.read.get(), stop, nowMs() + kMaxLineProcessMs);
  if (!read) kill(pid, SIGKILL);
  int status = 0;
  rusage usage = {};
  while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR) continue;
  answer.cpu_ms = milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime);
  if (read && WIFEXITED(status) && WEXITSTATUS(status) == 0)
    answer.frames = decodeSourceFrames(*read, bytes / sizeof(uint64_t));
  return answer;
}

}  // namespace bunsen
