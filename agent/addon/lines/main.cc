// Reads the debug information of one file: a process of its own, since such files are written by
// whoever runs a program on the host, and a library maps and parses them. What goes wrong here
// costs the lines of that file, and nothing else.
//
// The file is descriptor 3. Addresses of 8 bytes come on standard input, up to its end; the frames
// of each leave on standard output (source_frames.h).
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "dwarf_file.h"

namespace {

constexpr int kFile = 3;
constexpr uid_t kNobody = 65534;
constexpr rlim_t kMaxCpuSeconds = 10;
constexpr rlim_t kMaxDataBytes = 512 << 20;  // what is mapped of files does not count

void limit(int resource, rlim_t most) {
  rlimit limits = {most, most};
  setrlimit(resource, &limits);
}

// Gives up what a parser does not need. Returns whether that succeeded.
bool giveUpPrivileges() {
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, kMaxCpuSeconds);
#ifndef __SANITIZE_ADDRESS__  // which maps terabytes
  limit(RLIMIT_DATA, kMaxDataBytes);
#endif
  if (getuid() == 0 && (setgroups(0, nullptr) != 0 || setresgid(kNobody, kNobody, kNobody) != 0 ||
                        setresuid(kNobody, kNobody, kNobody) != 0))
    return false;
  setpriority(PRIO_PROCESS, 0, 19);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

}  // namespace

int main() {
  if (!giveUpPrivileges()) return 1;
  std::vector<uint64_t> addresses;
  uint64_t address;
  // Writes of whole words into a pipe that is not full are read as whole words.
  while (read(STDIN_FILENO, &address, sizeof(address)) == sizeof(address))
    addresses.push_back(address);

  std::string bytes;
  for (const bunsen::SourceFrames& frames : bunsen::DwarfFile(kFile).find(addresses))
    bunsen::encodeSourceFrames(frames, &bytes);
  for (size_t at = 0; at < bytes.size();) {
    ssize_t written = write(STDOUT_FILENO, bytes.data() + at, bytes.size() - at);
    if (written <= 0) return 1;
    at += static_cast<size_t>(written);
  }
  return 0;
}
