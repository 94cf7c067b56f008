// The kernel's list format for CPUs, as in /sys/devices/system/cpu/online.
#pragma once

#include <string_view>
#include <vector>

namespace bunsen {

// Returns the CPU numbers of a list such as "0-3,5\n", in its order. Stops at the first malformed
// element, so that a garbled list yields what could be read.
std::vector<int> parseCpuList(std::string_view text);

// Returns the CPUs that are online now; CPU 0 alone if the kernel does not say.
std::vector<int> readOnlineCpus();

}  // namespace bunsen
