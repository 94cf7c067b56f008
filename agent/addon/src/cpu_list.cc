#include "cpu_list.h"

#include <charconv>

#include "proc_files.h"

namespace bunsen {

namespace {
constexpr int kMaxCpu = 8191;  // NR_CPUS of every distribution kernel
}

std::vector<int> parseCpuList(std::string_view text) {
  std::vector<int> cpus;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at < end) {
    int first = 0;
    auto parsed = std::from_chars(at, end, first);
    if (parsed.ec != std::errc()) break;
    at = parsed.ptr;

    int last = first;
    if (at < end && *at == '-') {
      parsed = std::from_chars(at + 1, end, last);
      if (parsed.ec != std::errc()) break;
      at = parsed.ptr;
    }
    if (first < 0 || last < first || last > kMaxCpu) break;
    for (int cpu = first; cpu <= last; cpu++) cpus.push_back(cpu);

    if (at == end || *at != ',') break;
    at++;
  }
  return cpus;
}

std::vector<int> readOnlineCpus() {
  std::string text;
  readWholeFile("/sys/devices/system/cpu/online", &text);
  std::vector<int> cpus = parseCpuList(text);
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

}  // namespace bunsen
