#include "task_events.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "check.h"
#include "unique_fd.h"

using namespace bunsen;
using namespace bunsen::test;

namespace {

// Another profiler, which listens to this process and asks for no build IDs.
class Listener {
 public:
  Listener() {
    perf_event_attr attributes = {};
    attributes.size = sizeof(attributes);
    attributes.type = PERF_TYPE_SOFTWARE;
    attributes.config = PERF_COUNT_SW_DUMMY;
    attributes.mmap = attributes.mmap2 = 1;
    event_ = UniqueFd(static_cast<int>(
        syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC)));
    if (!event_) throw Skip{"no right to listen"};
    memory_ = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, event_.get(), 0);
    CHECK(memory_ != MAP_FAILED);
  }
  Listener(const Listener&) = delete;
  ~Listener() { munmap(memory_, kBytes); }

  // Returns whether the record of a mapping that this process makes claims to have a build ID.
  bool isToldBuildId() {
    auto* page = static_cast<perf_event_mmap_page*>(memory_);
    page->data_tail = page->data_head;
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    void* code = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    CHECK(code != MAP_FAILED);
    munmap(code, 4096);
    close(file);
    uint64_t at = page->data_tail;
    CHECK(__atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE) > at);
    perf_event_header header;
    memcpy(&header, static_cast<char*>(memory_) + kPageBytes + at % kRingBytes, sizeof(header));
    CHECK_EQ(header.type, uint32_t{PERF_RECORD_MMAP2});
    return header.misc & PERF_RECORD_MISC_MMAP_BUILD_ID;
  }

 private:
  static constexpr size_t kPageBytes = 4096;
  static constexpr size_t kRingBytes = 16 * kPageBytes;
  static constexpr size_t kBytes = kPageBytes + kRingBytes;

  UniqueFd event_;
  void* memory_ = nullptr;
};

}  // namespace

TEST("task events: what other profilers are told stays as it is") {
  Listener other;
  if (other.isToldBuildId()) throw Skip{"someone else on this host asks for build IDs"};
  TaskEvents events(true);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); cpu++) cpus.push_back(cpu);
  events.followCpus(cpus);
  if (!events.active()) throw Skip{"no right to listen to all processes"};
  CHECK(!other.isToldBuildId());
}

TEST("task events: this process maps code, and that is told") {
  TaskEvents events(true);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); cpu++) cpus.push_back(cpu);
  events.followCpus(cpus);
  if (!events.active()) throw Skip{"no right to listen to all processes"};
  TaskHistory history;
  auto isTold = [&] {
    events.drainInto(&history);
    return history.takeChanged().count(static_cast<uint32_t>(getpid())) == 1;
  };
  isTold();
  void* data = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(data != MAP_FAILED);
  CHECK(!isTold());
  CHECK_EQ(mprotect(data, 4096, PROT_READ | PROT_EXEC), 0);
  CHECK(isTold());
  munmap(data, 4096);
}
