// The one kind of error that the addon hands to JavaScript: a stable code, the errno where there is
// one, and a message that says what failed and what to do. The codes are listed in README.md.
#pragma once

#include <stdexcept>
#include <string>

namespace bunsen {

class SamplerError : public std::runtime_error {
 public:
  SamplerError(const char* code, int error_number, const std::string& message)
      : std::runtime_error(message), code(code), error_number(error_number) {}

  const char* code;
  int error_number;  // 0: no system call was involved
};

}  // namespace bunsen
