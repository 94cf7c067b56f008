// From addresses to functions: one sample's stack, named.
#pragma once

#include <cstdint>
#include <vector>

#include "bunsen.h"
#include "chain_cache.h"
#include "kernel_symbols.h"
#include "name_table.h"
#include "process_table.h"

namespace bunsen {

class Folder {
 public:
  Folder(NameTable* names, KernelSymbols* kernel, ChainCache* chains);

  // Returns the functions of a sample, leaf first: kernel frames, then the process' own. Valid
  // until the next call. What is missing stands in it as a frame of its own:
  //   [stack lost]      the callers could not be stored, or the stack not be walked
  //   [truncated]       root-most: the stack is deeper than the kernel walks
  //   [incomplete]      root-most: the walk ended before the outermost frame
  //   [process exited]  the process' part, if it was gone before it could be read
  //   [no stack]        neither part had a frame
  const std::vector<FunctionIndex>& fold(const bunsen_sample_key& key, Process* process);

 private:
  template <typename AddFrames>
  void foldStack(uint64_t leaf_ip, uint64_t chain_id, AddFrames addFrames);

  ChainCache* chains_;
  KernelSymbols* kernel_;
  FunctionIndex stack_lost_, truncated_, process_exited_, no_stack_, incomplete_;
  std::vector<FunctionIndex> frames_;
};

}  // namespace bunsen
