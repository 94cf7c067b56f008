// The thread that finds out which functions were inlined at an address, and the lines of its code.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "elf_file.h"
#include "source_frames.h"
#include "unique_fd.h"

namespace bunsen {

// What is asked about one file, and what is known of it. Shared by who asks and the worker.
class FileLines {
 public:
  // @param file with debug information
  explicit FileLines(std::shared_ptr<const ElfFile> file) : file_(std::move(file)) {}

  // Returns the frames of an address and forgets them; empty if there are none. Nothing if they are
  // yet to be read: ask again later.
  std::optional<SourceFrames> take(uint64_t address);

 private:
  friend class LineWorker;

  // Answers that nobody came for, and questions that wait, are no more than so many each.
  static constexpr size_t kMaxAddresses = 8192;

  std::shared_ptr<const ElfFile> file_;
  std::mutex mutex_;
  std::unordered_set<uint64_t> asked_;
  std::unordered_map<uint64_t, SourceFrames> answered_;
  bool has_failed_ = false;                             // it is not tried again
  std::chrono::steady_clock::time_point next_at_ = {};  // only the worker's
};

struct LineFigures {
  uint64_t answered = 0;  // addresses
  uint64_t failed_files = 0;
  uint64_t cpu_ms = 0;
};

class LineWorker {
 public:
  // CPU time that runs may take: at the start, at once later on, and one part in so many of a CPU's
  // in the long run.
  static constexpr int64_t kStartMs = 1000;
  static constexpr int64_t kBurstMs = 250;
  static constexpr int64_t kPauseFactor = 1000;
  // Between two runs of one file, so that its new addresses come together.
  static constexpr std::chrono::seconds kFileInterval{5};

  LineWorker();
  ~LineWorker();
  LineWorker(const LineWorker&) = delete;
  LineWorker& operator=(const LineWorker&) = delete;

  // Looks after the questions of this file for as long as somebody holds it.
  void add(const std::shared_ptr<FileLines>& file);

  // Says that there may be questions.
  void wake();

  LineFigures figures() const { return {answered_, failed_files_, cpu_ms_}; }

 private:
  void run();
  // Returns the CPU time that it took; nothing if there was no question.
  std::optional<uint64_t> answerOneMs(std::chrono::steady_clock::time_point now);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::weak_ptr<FileLines>> files_;  // the one to look at next is first, new ones are
  bool is_woken_ = false;
  bool is_stopping_ = false;
  UniqueFd stop_;  // ends the process that is running
  std::atomic<uint64_t> answered_{0}, failed_files_{0}, cpu_ms_{0};
  std::thread thread_;
};

}  // namespace bunsen
