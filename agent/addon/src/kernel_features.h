// What the agent uses of a kernel and can do without. Each is tried on the kernel that runs; none
// is told by a version.
#pragma once

#include <array>
#include <string_view>
#include <utility>

namespace bunsen {

// false: do without, as if the kernel had not got it.
struct Features {
  bool tables = true;        // user stacks walked by tables; otherwise by frame pointers alone
  bool bpf_loop = true;      // with bpf_task_pt_regs (5.17); otherwise walks take longer
  bool growing_maps = true;  // not allocated before they are filled (refused by 5.10)
  bool task_records = true;  // of processes that begin, execute and end
};

constexpr std::array<std::pair<std::string_view, bool Features::*>, 4> kFeatureNames = {{
    {"tables", &Features::tables},
    {"bpf_loop", &Features::bpf_loop},
    {"growing_maps", &Features::growing_maps},
    {"task_records", &Features::task_records},
}};

}  // namespace bunsen
