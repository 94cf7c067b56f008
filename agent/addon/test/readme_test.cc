// The tables of the READMEs name what the code has.
#include "bunsen.h"
#include "check.h"
#include "proc_files.h"

using namespace bunsen;

TEST("readme: every kernel counter is described in bpf/README.md") {
  std::string readme;
  CHECK(readWholeFile("../../bpf/README.md", &readme));
#define CHECK_DESCRIBED(id, name) \
  CHECK(readme.find("| " #id " | `" #name "` |") != std::string::npos);
  BUNSEN_COUNTERS(CHECK_DESCRIBED)
}

TEST("readme: every counter of the addon is described in its README.md") {
  std::string readme;
  std::string source;
  CHECK(readWholeFile("README.md", &readme));
  CHECK(readWholeFile("src/profiler.cc", &source));
  for (size_t at = 0; (at = source.find("{\"", at)) != std::string::npos; at++) {
    std::string name = source.substr(at + 2, source.find('"', at + 2) - at - 2);
    if (readme.find("`" + name + "`") == std::string::npos)
      test::reportFailure("src/profiler.cc", 0, name + " is not in README.md");
  }
}

TEST("readme: every error code of the addon is described in its README.md") {
  std::string readme;
  CHECK(readWholeFile("README.md", &readme));
  for (const char* file :
       {"src/load_errors.cc", "src/sampler.cc", "src/sample_drain.cc", "src/bpf_session.cc"}) {
    std::string source;
    CHECK(readWholeFile(file, &source));
    for (size_t at = 0; (at = source.find("\"BUNSEN_", at)) != std::string::npos; at++) {
      std::string code = source.substr(at + 1, source.find('"', at + 1) - at - 1);
      if (readme.find("| `" + code + "` |") == std::string::npos)
        test::reportFailure(file, 0, code + " is not in README.md");
    }
  }
}
