// Runs bunsen-lines (lines/main.cc), which reads the debug information of one file.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "source_frames.h"

namespace bunsen {

struct LineAnswer {
  // Those of each address, in order; nothing if the process failed, or took too long or too much.
  std::optional<std::vector<SourceFrames>> frames;
  uint64_t cpu_ms = 0;
};

// Addresses that one run may be asked for: they fit in a pipe.
constexpr size_t kMaxLineAddresses = 4096;

// Returns when the process has ended: within kMaxLineProcessMs.
// @param file descriptor of an ELF file with debug information
// @param addresses virtual, in the file's own terms
// @param stop descriptor that ends it when it can be read; -1: nothing does
LineAnswer readLines(int file, const std::vector<uint64_t>& addresses, int stop = -1);

constexpr int kMaxLineProcessMs = 30'000;

}  // namespace bunsen
