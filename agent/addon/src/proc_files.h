// Reading /proc: every function says "gone" by its return value, since a process may exit between
// any two of them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unique_fd.h"

namespace bunsen {

// Replaces *text by the file's content, at most `limit_bytes` of it. False if it cannot be read.
bool readWholeFile(const std::string& path, std::string* text, size_t limit_bytes = 64 << 20);

// Returns "/proc/PID/NAME".
std::string procPath(uint32_t pid, const char* name);

// Returns starttime, in clock ticks since boot, from the text of /proc/PID/stat. The command name
// in it may itself hold spaces and parentheses.
std::optional<uint64_t> parseStartTicks(std::string_view stat);

// Returns the process id as the process itself sees it (innermost pid namespace), from the text of
// /proc/PID/status.
std::optional<uint32_t> parseNamespacedPid(std::string_view status);

// Returns the arguments of /proc/PID/cmdline, which end with NUL each, joined by spaces.
std::string joinArguments(std::string_view command_line);

// Returns those NAME=VALUE of /proc/PID/environ whose name is among `names`, joined by NUL, in the
// order of the environment; values are cut to 4 KiB. Of a name that occurs twice, as in the C
// library, the first counts.
std::string selectVariables(std::string_view environment, const std::vector<std::string>& names);

// Returns a start time of the kernel as /proc gives it: in whole clock ticks.
uint64_t toTicks(uint64_t boottime_ns);

// Returns whether the process with this id and start time is there. What was read of /proc/PID
// before was then its own, and not another's that got its id.
bool isRunning(uint32_t pid, uint64_t start_ticks);

// Returns the target of /proc/PID/exe, or "" (no such process, or a kernel thread).
std::string readExe(uint32_t pid);

// Returns whether this process' ids are the kernel's own, which BPF programs report.
bool isInInitialPidNamespace();

// Opens a regular file as the process sees it. Symbolic links are resolved inside the process'
// root, so a container cannot point the agent at a file of the host; FIFOs cannot block it.
UniqueFd openInRoot(uint32_t pid, const std::string& path);

}  // namespace bunsen
