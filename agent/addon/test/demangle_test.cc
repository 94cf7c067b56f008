#include "demangle.h"

#include "check.h"

using namespace bunsen;

TEST("demangle: C++ with parameters, and its clones") {
  CHECK_EQ(demangle("_ZN2ns6Widget7shuffleEi"), "ns::Widget::shuffle(int)");
  CHECK_EQ(demangle("_ZNSt6vectorIjSaIjEE6resizeEm.constprop.0"),
           "std::vector<unsigned int, std::allocator<unsigned int> >::resize(unsigned long) "
           "[clone .constprop.0]");
}

TEST("demangle: Rust, old and new, without hashes") {
  CHECK_EQ(demangle("_ZN2rs5inner9spin_rust17h0123456789abcdefE"), "rs::inner::spin_rust");
  CHECK_EQ(demangle("_RNvNtCs1234_2rs5inner9spin_rust"), "rs::inner::spin_rust");
}

TEST("demangle: other names stay as they are") {
  for (const char* name : {"", "main", "_start", "_Z", "_R", "_ZN", "_Z!", "_RNv", "sort.part.0"})
    CHECK_EQ(demangle(name), name);
  std::string long_name = "_Z" + std::string(100'000, 'P');
  CHECK_EQ(demangle(long_name), long_name);
  CHECK_EQ(demangle("_Z" + std::string(4000, 'P')).substr(0, 2), "_Z");
}
