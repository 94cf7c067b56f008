// The smallest test harness that says what failed where.
//
//   TEST("parses a list") { CHECK_EQ(parse("1,2").size(), 2u); }
#pragma once

#include <functional>
#include <iostream>
#include <string>
#include <vector>

namespace bunsen::test {

struct Test {
  const char* name;
  std::function<void()> run;
};

std::vector<Test>& allTests();
void reportFailure(const char* file, int line, const std::string& what);
// Ends the present test as skipped.
struct Skip {
  std::string reason;
};

struct Registration {
  Registration(const char* name, std::function<void()> run) { allTests().push_back({name, run}); }
};

template <typename Left, typename Right>
void checkEqual(const Left& left, const Right& right, const char* text, const char* file,
                int line) {
  if (left == right) return;
  std::cerr << "    got:      " << left << "\n    expected: " << right << "\n";
  reportFailure(file, line, text);
}

}  // namespace bunsen::test

#define TEST_CONCAT_(left, right) left##right
#define TEST_CONCAT(left, right) TEST_CONCAT_(left, right)
#define TEST(name)                                                        \
  static void TEST_CONCAT(test_, __LINE__)();                             \
  static bunsen::test::Registration TEST_CONCAT(registration_, __LINE__)( \
      name, TEST_CONCAT(test_, __LINE__));                                \
  static void TEST_CONCAT(test_, __LINE__)()
#define CHECK(condition) \
  ((condition) ? void() : bunsen::test::reportFailure(__FILE__, __LINE__, #condition))
#define CHECK_EQ(got, expected) \
  bunsen::test::checkEqual(got, expected, #got " == " #expected, __FILE__, __LINE__)
