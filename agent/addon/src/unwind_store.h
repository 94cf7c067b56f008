// Where the tables for unwinding are kept: in the kernel's maps, or in a test's memory.
#pragma once

#include <cstdint>

#include "unwind_format.h"

namespace bunsen {

class UnwindStore {
 public:
  virtual ~UnwindStore() = default;

  // Pages that fit in; their ids count from 0.
  virtual uint32_t pageLimit() const = 0;
  virtual uint32_t processLimit() const = 0;

  // False if the memory for it is not to be had.
  virtual bool writePage(uint32_t id, const bunsen_unwind_page& page) = 0;

  // Adds or replaces. False if the memory for it is not to be had.
  virtual bool putProcess(const bunsen_process_key& key, const bunsen_unwind_process& process) = 0;
  virtual void removeProcess(const bunsen_process_key& key) = 0;

  // Returns when no walk is in progress that may have seen what has been removed before.
  virtual void waitForWalks() = 0;
};

}  // namespace bunsen
