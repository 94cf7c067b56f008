// Interprets the instructions of call frame information (DWARF 5, section 6.4), as far as
// bunsen_unwind_rule can hold what they say about x86-64.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "unwind_format.h"

namespace bunsen {

// What the entries of many functions have in common (CIE).
struct CfiCommon {
  uint64_t code_alignment = 1;
  int64_t data_alignment = 1;
  uint8_t pointer_encoding = 0;
  bool has_augmentation_data = false;
  bool is_signal_frame = false;
  std::string_view instructions;
};

// Where one register of the caller is.
struct CfiRegister {
  enum Place : uint8_t { kSame, kUndefined, kBelowCfa, kAtRbp, kElsewhere };
  Place place = kSame;
  int64_t offset = 0;  // kBelowCfa: bytes from the canonical frame address
};

// The rules of one place in the code.
struct CfiRules {
  bunsen_cfa cfa = BUNSEN_CFA_UNKNOWN;
  int64_t cfa_offset = 0;  // bytes; BUNSEN_CFA_PLT: the threshold
  CfiRegister rbp, rbx;
  CfiRegister return_address = {CfiRegister::kElsewhere, 0};

  // Returns BUNSEN_CFA_UNKNOWN where these rules do not fit.
  bunsen_unwind_rule encode(bool is_signal_frame) const;
};

// Called with the rules that hold from an address on.
using TakeRules = std::function<void(uint64_t address, const CfiRules& rules)>;

class CfiProgram {
 public:
  // Returns the rules at the start of each function of `common`.
  static CfiRules initialRules(const CfiCommon& common);

  // @param initial what initialRules() returned for `common`
  CfiProgram(const CfiCommon& common, const CfiRules& initial)
      : common_(common), initial_(initial), rules_(initial) {}

  // Runs the instructions of the function at `start`, handing over its rules in order of address.
  // After an instruction that makes no sense the rules are unknown.
  void run(std::string_view instructions, uint64_t start, const TakeRules& take);

 private:
  void setRegister(uint64_t number, CfiRegister where);
  void restoreRegister(uint64_t number);
  void setBelowCfa(uint64_t number, int64_t factored_offset);
  void setCfa(uint64_t number, int64_t offset);
  void setCfaExpression(std::string_view expression);
  // Returns false at what is not an instruction.
  bool execute(uint8_t operation, class CfiReader* reader, uint64_t* advance);

  const CfiCommon& common_;
  const CfiRules& initial_;
  CfiRules rules_;
  std::vector<CfiRules> remembered_;
};

}  // namespace bunsen
