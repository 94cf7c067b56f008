#include "fold.h"

namespace bunsen {

Folder::Folder(NameTable* names, KernelSymbols* kernel, ChainCache* chains)
    : chains_(chains), kernel_(kernel) {
  MappingIndex none = names->addMapping("", "", MappingKind::kOther);
  auto marker = [names, none](const char* name) { return names->addFunction(name, name, none, 0); };
  stack_lost_ = marker("[stack lost]");
  truncated_ = marker("[truncated]");
  process_exited_ = marker("[process exited]");
  no_stack_ = marker("[no stack]");
  incomplete_ = marker("[incomplete]");
}

const std::vector<FunctionIndex>& Folder::fold(const bunsen_sample_key& key, Process* process) {
  frames_.clear();
  if (key.kernel_leaf_ip)
    foldStack(key.kernel_leaf_ip, key.kernel_chain,
              [this](uint64_t address) { frames_.push_back(kernel_->functionAt(address)); });
  if (key.flags & BUNSEN_SAMPLE_KERNEL_STACK_FAILED) frames_.push_back(stack_lost_);

  if (key.user_leaf_ip && process->gone()) {
    frames_.push_back(process_exited_);
  } else if (key.user_leaf_ip) {
    foldStack(key.user_leaf_ip, key.user_chain,
              [this, process](uint64_t address) { process->code.addFrames(address, &frames_); });
    if (key.flags & BUNSEN_SAMPLE_USER_STACK_INCOMPLETE) frames_.push_back(incomplete_);
  }
  if (key.flags & BUNSEN_SAMPLE_USER_STACK_FAILED) frames_.push_back(stack_lost_);

  if (frames_.empty()) frames_.push_back(no_stack_);
  return frames_;
}

template <typename AddFrames>
void Folder::foldStack(uint64_t leaf_ip, uint64_t chain_id, AddFrames addFrames) {
  addFrames(leaf_ip);
  if (chain_id == BUNSEN_CHAIN_NONE) return;
  const Chain* chain = chain_id == BUNSEN_CHAIN_LOST ? nullptr : chains_->find(chain_id);
  if (!chain) {
    frames_.push_back(stack_lost_);
    return;
  }
  // A return address is behind its call, which may be the last instruction of its function.
  for (uint64_t address : chain->return_addresses) addFrames(address - 1);
  if (chain->truncated) frames_.push_back(truncated_);
}

}  // namespace bunsen
