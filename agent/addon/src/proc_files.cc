#include "proc_files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace bunsen {

namespace {

// Of a variable's value: labels hold half of it.
constexpr size_t kValueBytes = 4 << 10;

// Returns the number at the start of `text`, skipping blanks before it.
template <typename Number>
std::optional<Number> parseNumber(std::string_view text) {
  size_t start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return std::nullopt;
  Number value;
  auto parsed = std::from_chars(text.data() + start, text.data() + text.size(), value);
  if (parsed.ec != std::errc()) return std::nullopt;
  return value;
}

}  // namespace

bool readWholeFile(const std::string& path, std::string* text, size_t limit_bytes) {
  text->clear();
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return false;

  size_t used = 0;
  size_t room = 4096;
  while (used < limit_bytes) {
    text->resize(used + room);
    ssize_t got = read(fd.get(), text->data() + used, room);
    if (got < 0) {
      text->clear();
      return false;
    }
    used += static_cast<size_t>(got);
    if (got == 0) break;
    // /proc hands out a page or so at a time; sysfs and perf maps fill what they are given.
    if (static_cast<size_t>(got) == room && room < (1 << 20)) room *= 2;
  }
  text->resize(used);
  return true;
}

std::string procPath(uint32_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

std::optional<uint64_t> parseStartTicks(std::string_view stat) {
  size_t at = stat.rfind(')');
  if (at == std::string_view::npos) return std::nullopt;
  // After the name come the fields 3, 4, ...; starttime is field 22.
  at++;
  for (int field = 3; field < 22; field++) {
    at = stat.find(' ', at + 1);
    if (at == std::string_view::npos) return std::nullopt;
  }
  return parseNumber<uint64_t>(stat.substr(at));
}

std::optional<uint32_t> parseNamespacedPid(std::string_view status) {
  size_t at = status.find("\nNSpid:");
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view line = status.substr(at + 7);
  line = line.substr(0, line.find('\n'));
  size_t last = line.find_last_of(" \t");
  if (last == std::string_view::npos) return std::nullopt;
  return parseNumber<uint32_t>(line.substr(last));
}

std::string joinArguments(std::string_view command_line) {
  std::string joined(command_line.substr(0, command_line.find_last_not_of('\0') + 1));
  std::replace(joined.begin(), joined.end(), '\0', ' ');
  return joined;
}

std::string selectVariables(std::string_view environment, const std::vector<std::string>& names) {
  std::string selected;
  std::vector<std::string> missing = names;
  while (!environment.empty() && !missing.empty()) {
    size_t end = std::min(environment.find('\0'), environment.size());
    std::string_view variable = environment.substr(0, end);
    environment.remove_prefix(std::min(end + 1, environment.size()));
    auto name = std::find(missing.begin(), missing.end(), variable.substr(0, variable.find('=')));
    if (name == missing.end() || name->size() == variable.size()) continue;
    missing.erase(name);
    if (!selected.empty()) selected += '\0';
    selected += variable.substr(0, variable.find('=') + 1 + kValueBytes);
  }
  return selected;
}

uint64_t toTicks(uint64_t boottime_ns) {
  static const uint64_t ns_per_tick = 1'000'000'000 / static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  return boottime_ns / ns_per_tick;
}

bool isRunning(uint32_t pid, uint64_t start_ticks) {
  std::string stat;
  return readWholeFile(procPath(pid, "stat"), &stat) && parseStartTicks(stat) == start_ticks;
}

std::string readExe(uint32_t pid) {
  char target[4096];
  ssize_t length = readlink(procPath(pid, "exe").c_str(), target, sizeof(target));
  if (length <= 0) return "";
  return std::string(target, static_cast<size_t>(length));
}

bool isInInitialPidNamespace() {
  constexpr ino_t kInitialPidNamespace = 0xEFFFFFFC;  // PROC_PID_INIT_INO, a kernel constant
  struct stat status;
  return stat("/proc/self/ns/pid", &status) == 0 && status.st_ino == kInitialPidNamespace;
}

UniqueFd openInRoot(uint32_t pid, const std::string& path) {
  UniqueFd root(open(procPath(pid, "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return UniqueFd();

  open_how how = {};
  how.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  UniqueFd file(
      static_cast<int>(syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof(how))));
  struct stat status;
  if (!file || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return UniqueFd();
  return file;
}

}  // namespace bunsen
