#include "task_events.h"

#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace bunsen {

namespace {

// A process that executes and ends makes 0.6 KB of records: room for 400 of them a drain and CPU.
constexpr size_t kRingBytes = 256 << 10;
constexpr size_t kPageBytes = 4096;
constexpr size_t kMappedBytes = kPageBytes + kRingBytes;

// At the end of each record, as asked for by sample_type.
struct Trailer {
  uint32_t pid, tid;
  uint64_t time_ns;
};

struct ForkRecord {
  uint32_t pid, parent, tid, parent_tid;
  uint64_t time_ns;
};

struct CommRecord {
  uint32_t pid, tid;
};

struct MapRecord {
  uint32_t pid, tid;
  uint64_t start, bytes, file_offset;
  uint32_t major, minor;
  uint64_t inode, generation;
  uint32_t protection, flags;
};

uint64_t boottimeNs() {
  timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

template <typename Record>
bool readRecord(std::string_view bytes, Record* record) {
  if (bytes.size() < sizeof(*record)) return false;
  memcpy(record, bytes.data(), sizeof(*record));
  return true;
}

// The text behind the record, which ends with zeros.
template <typename Record>
std::string textBehind(std::string_view bytes) {
  std::string_view text = bytes.substr(sizeof(Record));
  return std::string(text.substr(0, text.find('\0')));
}

Mapping toMapping(const MapRecord& record, std::string path) {
  Mapping mapping;
  mapping.start = record.start;
  mapping.end = record.start + record.bytes;
  mapping.file_offset = record.file_offset;
  mapping.is_recorded = true;
  constexpr std::string_view kDeleted = " (deleted)";
  if (path.size() > kDeleted.size() &&
      std::string_view(path).substr(path.size() - kDeleted.size()) == kDeleted)
    path.resize(path.size() - kDeleted.size());
  mapping.path = path == "//anon" ? "" : std::move(path);
  char device[32];
  snprintf(device, sizeof(device), "%02x:%02x", record.major, record.minor);
  mapping.device = device;
  mapping.inode = record.inode;
  return mapping;
}

}  // namespace

TaskEvents::~TaskEvents() {
  for (auto& [cpu, ring] : rings_) munmap(ring.memory, kMappedBytes);
}

bool TaskEvents::open(int cpu, Ring* ring) {
  perf_event_attr attributes = {};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_DUMMY;
  attributes.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME;
  attributes.sample_id_all = 1;
  attributes.mmap = attributes.mmap2 = 1;
  attributes.comm = attributes.comm_exec = 1;
  attributes.task = 1;
  attributes.use_clockid = 1;
  attributes.clockid = CLOCK_BOOTTIME;
  attributes.watermark = 1;
  attributes.wakeup_watermark = UINT32_MAX;  // never: every drain looks
  // Not build_id: who asks for it breaks the records of those who do not, such as perf. For one
  // mapping the kernel (5.12 to 6.18 at least) sets the flag that says so and never takes it back,
  // so those behind find an inode where the flag promises a build ID. Nor is the flag looked at.
  ring->event = UniqueFd(static_cast<int>(
      syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!ring->event) return false;
  ring->memory =
      mmap(nullptr, kMappedBytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring->event.get(), 0);
  return ring->memory != MAP_FAILED;
}

void TaskEvents::followCpus(const std::vector<int>& online) {
  if (!is_wanted_) return;
  for (auto ring = rings_.begin(); ring != rings_.end();) {
    if (std::find(online.begin(), online.end(), ring->first) != online.end()) {
      ++ring;
      continue;
    }
    read(&ring->second);
    munmap(ring->second.memory, kMappedBytes);
    ring = rings_.erase(ring);
  }
  for (int cpu : online) {
    if (rings_.count(cpu)) continue;
    Ring ring;
    if (open(cpu, &ring)) rings_.emplace(cpu, std::move(ring));
  }
}

void TaskEvents::read(Ring* ring) {
  auto* page = static_cast<perf_event_mmap_page*>(ring->memory);
  const char* data = static_cast<const char*>(ring->memory) + kPageBytes;
  uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
  uint64_t tail = page->data_tail;
  std::string record;
  while (tail < head) {
    auto copy = [&](uint64_t from, size_t bytes) {
      record.clear();
      for (size_t copied = 0; copied < bytes;) {
        size_t at = (from + copied) % kRingBytes;
        size_t piece = std::min(bytes - copied, kRingBytes - at);
        record.append(data + at, piece);
        copied += piece;
      }
    };
    perf_event_header header;
    copy(tail, sizeof(header));
    memcpy(&header, record.data(), sizeof(header));
    if (header.size < sizeof(header)) break;
    copy(tail + sizeof(header), header.size - sizeof(header));
    take(header.type, header.misc, record);
    tail += header.size;
  }
  __atomic_store_n(&page->data_tail, head, __ATOMIC_RELEASE);
}

void TaskEvents::take(uint32_t type, uint16_t misc, std::string_view record) {
  Trailer trailer;
  if (record.size() < sizeof(trailer)) return;
  memcpy(&trailer, record.data() + record.size() - sizeof(trailer), sizeof(trailer));
  record.remove_suffix(sizeof(trailer));
  TaskEvent event;
  event.time_ns = trailer.time_ns;
  ForkRecord fork;
  CommRecord comm;
  MapRecord map;
  switch (type) {
    case PERF_RECORD_FORK:
    case PERF_RECORD_EXIT:
      // Threads have the pid of their process; a process ends with its first thread, or later.
      if (!readRecord(record, &fork) || fork.pid != fork.tid) return;
      event.kind = type == PERF_RECORD_FORK ? TaskEvent::kFork : TaskEvent::kExit;
      event.pid = fork.pid;
      event.parent = fork.parent;
      break;
    case PERF_RECORD_COMM:
      if (!readRecord(record, &comm)) return;
      event.kind = misc & PERF_RECORD_MISC_COMM_EXEC ? TaskEvent::kExec : TaskEvent::kName;
      event.pid = comm.pid;
      event.comm = textBehind<CommRecord>(record);
      break;
    case PERF_RECORD_MMAP2:
      if (!readRecord(record, &map)) return;
      event.kind = TaskEvent::kMap;
      event.pid = map.pid;
      event.mapping = toMapping(map, textBehind<MapRecord>(record));
      break;
    case PERF_RECORD_LOST:
      // Its own trailer stands behind an id and the number.
      if (record.size() >= 16) {
        uint64_t lost;
        memcpy(&lost, record.data() + 8, sizeof(lost));
        lost_ += lost;
      }
      return;
    default:
      return;
  }
  waiting_.push_back(std::move(event));
}

void TaskEvents::drainInto(TaskHistory* history) {
  // What is later may already stand in one CPU's buffer while what led to it, in another's, does
  // not.
  uint64_t up_to_ns = boottimeNs();
  for (auto& [cpu, ring] : rings_) read(&ring);
  std::stable_sort(
      waiting_.begin(), waiting_.end(),
      [](const TaskEvent& left, const TaskEvent& right) { return left.time_ns < right.time_ns; });
  auto later = std::upper_bound(
      waiting_.begin(), waiting_.end(), up_to_ns,
      [](uint64_t time_ns, const TaskEvent& event) { return time_ns < event.time_ns; });
  for (auto event = waiting_.begin(); event != later; ++event) history->add(std::move(*event));
  waiting_.erase(waiting_.begin(), later);
  history->forget(up_to_ns);
}

}  // namespace bunsen
