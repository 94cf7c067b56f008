#include "load_errors.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "proc_files.h"
#include "unique_fd.h"

namespace bunsen {

namespace {

constexpr size_t kLogTailBytes = 4096;
constexpr int kCapSysAdmin = 21;
constexpr int kCapPerfmon = 38;

constexpr char kPrivileges[] =
    "run as root, or with CAP_BPF and CAP_PERFMON (and CAP_SYS_PTRACE, to name the frames)";

std::mutex log_mutex;
std::string log_text;
int log_readers = 0;

int appendToLog(enum libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  char line[8192];
  vsnprintf(line, sizeof(line), format, arguments);
  std::lock_guard<std::mutex> lock(log_mutex);
  if (log_readers == 0) return 0;
  log_text += line;
  // The verifier's verdict stands at the end of its log.
  if (log_text.size() > 4 * kLogTailBytes) log_text.erase(0, log_text.size() - kLogTailBytes);
  return 0;
}

bool hasCapability(int capability) {
  std::string status;
  readWholeFile("/proc/self/status", &status);
  size_t at = status.find("\nCapEff:");
  if (at == std::string::npos) return false;
  return strtoull(status.c_str() + at + 8, nullptr, 16) >> capability & 1;
}

// libbpf numbers its own errors from here on; they mean nothing to others, and its log says more.
constexpr int kFirstLibbpfErrno = 4000;

int systemErrno(int error_number) { return error_number < kFirstLibbpfErrno ? error_number : 0; }

std::string describe(int error_number) {
  return systemErrno(error_number) ? std::string(": ") + strerror(error_number) : std::string();
}

std::string tail(const std::string& log) {
  if (log.empty()) return "";
  return "\n" + (log.size() > kLogTailBytes ? log.substr(log.size() - kLogTailBytes) : log);
}

}  // namespace

LibbpfLog::LibbpfLog() {
  std::lock_guard<std::mutex> lock(log_mutex);
  libbpf_set_print(appendToLog);
  if (log_readers++ == 0) log_text.clear();
}

LibbpfLog::~LibbpfLog() {
  std::lock_guard<std::mutex> lock(log_mutex);
  log_readers--;
}

std::string LibbpfLog::text() const {
  std::lock_guard<std::mutex> lock(log_mutex);
  return log_text;
}

void checkLoadable(const std::string& object_path, const std::string& btf_path) {
  if (access(object_path.c_str(), R_OK) != 0)
    throw SamplerError("BUNSEN_OBJECT_MISSING", errno,
                       "cannot read the BPF object " + object_path + describe(errno) +
                           "; build it with make in bpf/");
  LibbpfLog log;
  UniqueFd probe(bpf_map_create(BPF_MAP_TYPE_HASH, "probe", 4, 4, 1, nullptr));
  if (!probe && (errno == EPERM || errno == EACCES))
    throw SamplerError("BUNSEN_NO_PERMISSION", errno,
                       std::string("the kernel refuses BPF to this process; ") + kPrivileges);
  if (!probe && errno == ENOSYS)
    throw SamplerError("BUNSEN_BPF_LOAD", errno, "this kernel was built without BPF");

  const char* btf = btf_path.empty() ? "/sys/kernel/btf/vmlinux" : btf_path.c_str();
  if (access(btf, R_OK) != 0)
    throw SamplerError("BUNSEN_NO_BTF", errno,
                       std::string("no kernel type information at ") + btf +
                           "; use a kernel with CONFIG_DEBUG_INFO_BTF, or give the BTF file of "
                           "this kernel as btfPath");
}

SamplerError objectUnusable(const std::string& object_path, int error_number,
                            const std::string& reason) {
  return SamplerError("BUNSEN_OBJECT_INVALID", systemErrno(error_number),
                      "cannot use the BPF object " + object_path + ": " + reason +
                          "; rebuild it with make in bpf/");
}

SamplerError loadFailed(int error_number, const std::string& log) {
  if (error_number == EPERM)
    return SamplerError(
        "BUNSEN_NO_PERMISSION", error_number,
        std::string("the kernel refuses to load the sampler; ") + kPrivileges + tail(log));
  if (log.find("target BTF") != std::string::npos || log.find("vmlinux BTF") != std::string::npos)
    return SamplerError("BUNSEN_NO_BTF", systemErrno(error_number),
                        "cannot use the kernel type information; give the BTF file of this kernel "
                        "as btfPath:" +
                            tail(log));
  return SamplerError("BUNSEN_BPF_LOAD", systemErrno(error_number),
                      "the kernel rejected the sampler" + describe(error_number) +
                          "; the end of the log says why:" + tail(log));
}

SamplerError perfEventRefused(int error_number, int cpu) {
  std::string what = "perf_event_open on CPU " + std::to_string(cpu) + describe(error_number);
  switch (error_number) {
    case EPERM:
    case EACCES:
      if (!hasCapability(kCapSysAdmin) && !hasCapability(kCapPerfmon))
        return SamplerError("BUNSEN_NO_PERMISSION", error_number, what + "; " + kPrivileges);
      return SamplerError("BUNSEN_PERF_EVENT_FORBIDDEN", error_number,
                          what +
                              "; this process has the privileges, so look for a seccomp profile or "
                              "a security module that forbids it");
    case ENOSYS:
    case ENOENT:
    case EOPNOTSUPP:
      return SamplerError("BUNSEN_PERF_EVENT_FORBIDDEN", error_number,
                          what + "; this kernel has no perf events (CONFIG_PERF_EVENTS)");
    default:
      return attachFailed(error_number, cpu, "");
  }
}

SamplerError attachFailed(int error_number, int cpu, const std::string& log) {
  return SamplerError("BUNSEN_BPF_ATTACH", error_number,
                      "cannot attach the sampler to CPU " + std::to_string(cpu) +
                          describe(error_number) + tail(log));
}

}  // namespace bunsen
