// Why the sampler could not start, in words that say what to do next.
#pragma once

#include <string>

#include "error.h"

namespace bunsen {

// Collects what libbpf says (warnings, the verifier's log) while it lives. libbpf's own default is
// standard error, which belongs to the host program.
class LibbpfLog {
 public:
  LibbpfLog();
  ~LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;
  LibbpfLog& operator=(const LibbpfLog&) = delete;

  std::string text() const;
};

// Throws when it is certain before any attempt that the object cannot be loaded: file missing, no
// privileges, no BTF.
void checkLoadable(const std::string& object_path, const std::string& btf_path);

SamplerError objectUnusable(const std::string& object_path, int error_number,
                            const std::string& reason);
SamplerError loadFailed(int error_number, const std::string& log);
SamplerError perfEventRefused(int error_number, int cpu);
SamplerError attachFailed(int error_number, int cpu, const std::string& log);

}  // namespace bunsen
