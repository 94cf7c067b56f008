#include "built_program.h"

#include <fcntl.h>

#include <cstring>

namespace bunsen::test {

namespace {

void require(const std::string& command) {
  std::string tool = command.substr(0, command.find(' '));
  if (system(("command -v " + tool + " >/dev/null").c_str()) != 0) throw Skip{"no " + tool};
}

}  // namespace

BuiltProgram::BuiltProgram(const std::string& source) {
  char name[] = "/tmp/bunsen-built-XXXXXX";
  CHECK(mkdtemp(name) != nullptr);
  folder_ = name;
  std::ofstream(folder_ + "/program.c") << source;
}

BuiltProgram::~BuiltProgram() { run("rm -r " + folder_); }

void BuiltProgram::run(std::string command) {
  for (size_t at; (at = command.find("%d")) != std::string::npos;) command.replace(at, 2, folder_);
  require(command);
  CHECK_EQ(system(command.c_str()), 0);
}

std::shared_ptr<const ElfFile> openElf(const std::string& path) {
  auto file = ElfFile::open(UniqueFd(open(path.c_str(), O_RDONLY)));
  return file ? std::make_shared<const ElfFile>(std::move(*file)) : nullptr;
}

std::vector<std::string> linesOf(const std::string& command) {
  require(command);
  std::vector<std::string> lines;
  FILE* pipe = popen(("LC_ALL=C " + command).c_str(), "r");
  char line[4096];
  while (fgets(line, sizeof(line), pipe)) lines.emplace_back(line, strcspn(line, "\n"));
  pclose(pipe);  // readelf and objdump complain of what does not matter here
  return lines;
}

}  // namespace bunsen::test
