// A program in a folder of its own, made by the tools that distributions use.
#pragma once

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include "check.h"
#include "elf_file.h"

namespace bunsen::test {

class BuiltProgram {
 public:
  // @param source in C, of what will be program()
  explicit BuiltProgram(const std::string& source);
  BuiltProgram(const BuiltProgram&) = delete;
  ~BuiltProgram();

  // With %d for the folder. Skips the test where a tool is missing.
  void run(std::string command);

  const std::string& folder() const { return folder_; }
  std::string program() const { return folder_ + "/program"; }

 private:
  std::string folder_;
};

// Null if it is not an ELF file.
std::shared_ptr<const ElfFile> openElf(const std::string& path);

// Returns what a command prints, line by line. Skips the test where the tool is missing.
std::vector<std::string> linesOf(const std::string& command);

}  // namespace bunsen::test
