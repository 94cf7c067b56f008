// The kernel's maps of tables in memory, and who may stand in them.
#pragma once

#include <unistd.h>

#include <map>
#include <tuple>

#include "check.h"
#include "proc_files.h"
#include "unwind_store.h"

namespace bunsen::test {

class MemoryStore : public UnwindStore {
 public:
  uint32_t page_limit = 100'000;
  uint32_t process_limit = 100;
  std::map<uint32_t, bunsen_unwind_page> pages;
  size_t waits = 0;

  uint32_t pageLimit() const override { return page_limit; }
  uint32_t processLimit() const override { return process_limit; }
  bool writePage(uint32_t id, const bunsen_unwind_page& page) override {
    CHECK(id < page_limit);
    pages[id] = page;
    return true;
  }
  bool putProcess(const bunsen_process_key& key, const bunsen_unwind_process& process) override {
    processes_[idOf(key)] = process;
    CHECK(processes_.size() <= process_limit);
    return true;
  }
  void removeProcess(const bunsen_process_key& key) override { processes_.erase(idOf(key)); }
  void waitForWalks() override { waits++; }

  bool has(const bunsen_process_key& key) const { return processes_.count(idOf(key)) > 0; }
  const bunsen_unwind_process& process(const bunsen_process_key& key) const {
    return processes_.at(idOf(key));
  }

 private:
  using Id = std::tuple<uint32_t, uint32_t, uint64_t>;
  static Id idOf(const bunsen_process_key& key) {
    return {key.tgid, key.exec_id, key.start_boottime_ns};
  }
  std::map<Id, bunsen_unwind_process> processes_;
};

inline bunsen_process_key processOf(pid_t pid) {
  std::string stat;
  readWholeFile(procPath(static_cast<uint32_t>(pid), "stat"), &stat);
  uint64_t ns_per_tick = 1'000'000'000 / static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  return {parseStartTicks(stat).value_or(0) * ns_per_tick, static_cast<uint32_t>(pid), 1};
}

inline bunsen_process_key ownProcess() { return processOf(getpid()); }

}  // namespace bunsen::test
