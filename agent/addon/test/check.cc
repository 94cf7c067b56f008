#include "check.h"

#include <cstring>

namespace bunsen::test {

namespace {
int failures = 0;
}

std::vector<Test>& allTests() {
  static std::vector<Test> tests;
  return tests;
}

void reportFailure(const char* file, int line, const std::string& what) {
  failures++;
  std::cerr << "    FAILED " << file << ":" << line << ": " << what << "\n";
}

}  // namespace bunsen::test

// Runs all tests, or those whose name holds the argument.
// Visible, so that the tests of the unwinder find its name.
__attribute__((visibility("default"))) int main(int argc, char** argv) {
  using namespace bunsen::test;
  int failed = 0;
  int passed = 0;
  for (const Test& test : allTests()) {
    if (argc > 1 && !strstr(test.name, argv[1])) continue;
    int before = failures;
    try {
      test.run();
    } catch (const Skip& skip) {
      std::cout << "skip  " << test.name << ": " << skip.reason << "\n";
      continue;
    } catch (const std::exception& error) {
      reportFailure(test.name, 0, error.what());
    }
    bool ok = failures == before;
    ok ? passed++ : failed++;
    std::cout << (ok ? "ok    " : "FAIL  ") << test.name << "\n";
  }
  std::cout << passed << " passed, " << failed << " failed\n";
  return failed ? 1 : 0;
}
