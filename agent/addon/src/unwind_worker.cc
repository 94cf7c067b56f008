#include "unwind_worker.h"

#include <bpf/libbpf.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "error.h"

namespace bunsen {

namespace {

constexpr uint64_t kForgetIntervalMs = 10'000;
constexpr int kNice = -10;

// The clock of bpf_ktime_get_ns().
uint64_t monotonicNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

UnwindWorker::UnwindWorker(int requests_fd, int shards_fd, int processes_fd, uint32_t process_limit)
    : maps_(shards_fd, processes_fd, process_limit),
      requests_(ring_buffer__new(requests_fd, takeRequest, this, nullptr), ring_buffer__free),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!requests_ || !wake_)
    throw SamplerError("BUNSEN_BPF_LOAD", errno,
                       std::string("cannot listen for requests: ") + strerror(errno));
  thread_ = std::thread(&UnwindWorker::run, this);
  pthread_setname_np(thread_.native_handle(), "bunsen-unwind");
}

UnwindWorker::~UnwindWorker() {
  is_stopping_ = true;
  wake();
  thread_.join();
}

void UnwindWorker::wake() {
  uint64_t one = 1;
  // A full counter wakes, too.
  if (write(wake_.get(), &one, sizeof(one)) < 0) return;
}

void UnwindWorker::sampled(const std::vector<bunsen_process_key>& processes) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    sampled_.insert(sampled_.end(), processes.begin(), processes.end());
  }
  wake();
}

UnwindFigures UnwindWorker::figures() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return figures_;
}

int UnwindWorker::takeRequest(void* worker, void* bytes, size_t) {
  auto* self = static_cast<UnwindWorker*>(worker);
  bunsen_unwind_request request;
  memcpy(&request, bytes, sizeof(request));
  try {
    uint64_t now_ms = monotonicNs() / 1'000'000;
    if (request.address)
      self->tables_.readPart(request.process, request.address, now_ms);
    else
      self->tables_.read(request.process, now_ms);
  } catch (const std::bad_alloc&) {
    return 0;  // no tables for that one; the next sample asks again
  }
  uint64_t answer_ms = (monotonicNs() - request.asked_ns) / 1'000'000;
  self->slowest_answer_ms_ = std::max(self->slowest_answer_ms_.load(), answer_ms);
  return self->is_stopping_ ? -EINTR : 0;
}

void UnwindWorker::run() {
  // Ahead of what keeps the CPUs busy: the samples of a process are poor until its tables are
  // there. Without the privilege it is a thread like any other.
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
  uint64_t forget_at_ms = 0;
  while (!is_stopping_) {
    pollfd ready[] = {{ring_buffer__epoll_fd(requests_.get()), POLLIN, 0},
                      {wake_.get(), POLLIN, 0}};
    poll(ready, 2, -1);
    uint64_t modules_before = tables_.figures().modules;
    ring_buffer__consume(requests_.get());
    // A file takes several times its rows while it is read, which the allocator would keep.
    if (tables_.figures().modules != modules_before) malloc_trim(0);

    uint64_t count;
    while (read(wake_.get(), &count, sizeof(count)) > 0) continue;
    std::vector<bunsen_process_key> sampled;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      sampled.swap(sampled_);
    }
    uint64_t now_ms = monotonicNs() / 1'000'000;
    for (const bunsen_process_key& process : sampled) tables_.use(process, now_ms);
    if (now_ms >= forget_at_ms) {
      tables_.forgetUnused(now_ms);
      forget_at_ms = now_ms + kForgetIntervalMs;
    }
    UnwindFigures figures = tables_.figures();
    std::lock_guard<std::mutex> lock(mutex_);
    figures_ = figures;
  }
}

}  // namespace bunsen
