#include "line_worker.h"

#include <pthread.h>
#include <sys/eventfd.h>

#include <algorithm>

#include "line_process.h"

namespace bunsen {

std::optional<SourceFrames> FileLines::take(uint64_t address) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto answer = answered_.find(address);
  if (answer != answered_.end()) {
    SourceFrames frames = std::move(answer->second);
    answered_.erase(answer);
    return frames;
  }
  if (has_failed_) return SourceFrames{};
  if (asked_.size() < kMaxAddresses) asked_.insert(address);
  return std::nullopt;
}

LineWorker::LineWorker()
    : stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), thread_(&LineWorker::run, this) {
  pthread_setname_np(thread_.native_handle(), "bunsen-lines");
}

LineWorker::~LineWorker() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

void LineWorker::add(const std::shared_ptr<FileLines>& file) {
  std::lock_guard<std::mutex> lock(mutex_);
  files_.push_front(file);
}

void LineWorker::wake() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    is_woken_ = true;
  }
  changed_.notify_all();
}

void LineWorker::run() {
  using std::chrono::milliseconds;
  using Clock = std::chrono::steady_clock;
  milliseconds allowed(kStartMs);
  Clock::time_point allowed_at = Clock::now();
  std::unique_lock<std::mutex> lock(mutex_);
  while (!is_stopping_) {
    changed_.wait(lock, [this] { return is_woken_ || is_stopping_; });
    if (is_stopping_) return;
    is_woken_ = false;
    lock.unlock();
    Clock::time_point now = Clock::now();
    auto earned = std::chrono::duration_cast<milliseconds>((now - allowed_at) / kPauseFactor);
    allowed = std::min(allowed + earned, std::max(allowed, milliseconds(kBurstMs)));
    allowed_at += earned * kPauseFactor;
    std::optional<uint64_t> cpu_ms = answerOneMs(now);
    lock.lock();
    if (!cpu_ms) continue;
    is_woken_ = true;  // there may be more
    allowed -= milliseconds(*cpu_ms);
    if (allowed < milliseconds::zero())
      changed_.wait_for(lock, -allowed * kPauseFactor, [this] { return is_stopping_; });
  }
}

std::optional<uint64_t> LineWorker::answerOneMs(std::chrono::steady_clock::time_point now) {
  std::shared_ptr<FileLines> file;
  std::vector<uint64_t> addresses;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (size_t left = files_.size(); left > 0 && addresses.empty(); left--) {
      file = files_.front().lock();
      files_.pop_front();
      if (!file) continue;
      files_.push_back(file);
      if (now < file->next_at_) continue;
      std::lock_guard<std::mutex> file_lock(file->mutex_);
      for (uint64_t address : file->asked_)
        if (addresses.size() < kMaxLineAddresses) addresses.push_back(address);
    }
  }
  if (addresses.empty()) return std::nullopt;

  LineAnswer answer = readLines(file->file_->descriptor(), addresses, stop_.get());
  cpu_ms_ += answer.cpu_ms;
  file->next_at_ = now + kFileInterval;
  std::lock_guard<std::mutex> lock(file->mutex_);
  if (!answer.frames) {
    file->has_failed_ = true;
    file->asked_.clear();
    failed_files_++;
    return answer.cpu_ms;
  }
  if (file->answered_.size() + addresses.size() > FileLines::kMaxAddresses) file->answered_.clear();
  for (size_t i = 0; i < addresses.size(); i++) {
    file->asked_.erase(addresses[i]);
    file->answered_[addresses[i]] = std::move((*answer.frames)[i]);
  }
  answered_ += addresses.size();
  return answer.cpu_ms;
}

}  // namespace bunsen
