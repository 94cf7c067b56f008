#include "cfi_program.h"

#include <limits>

#include "cfi_reader.h"

namespace bunsen {

namespace {

// Deeper than any compiler nests; without a bound, damaged instructions could fill the memory.
constexpr size_t kMaxRemembered = 64;

// Registers by their numbers in DWARF (System V ABI for x86-64, figure 3.36).
enum Register : uint64_t { kRbx = 3, kRbp = 6, kRsp = 7, kR10 = 10, kReturnAddress = 16 };

// Instructions with their operand in the low six bits, then the others.
enum Operation : uint8_t {
  kAdvance = 0x40,
  kOffset = 0x80,
  kRestore = 0xc0,
  kNop = 0x00,
  kSetLocation = 0x01,
  kAdvance1 = 0x02,
  kAdvance2 = 0x03,
  kAdvance4 = 0x04,
  kOffsetExtended = 0x05,
  kRestoreExtended = 0x06,
  kUndefined = 0x07,
  kSameValue = 0x08,
  kRegister = 0x09,
  kRememberState = 0x0a,
  kRestoreState = 0x0b,
  kDefCfa = 0x0c,
  kDefCfaRegister = 0x0d,
  kDefCfaOffset = 0x0e,
  kDefCfaExpression = 0x0f,
  kExpression = 0x10,
  kOffsetExtendedSigned = 0x11,
  kDefCfaSigned = 0x12,
  kDefCfaOffsetSigned = 0x13,
  kValueOffset = 0x14,
  kValueOffsetSigned = 0x15,
  kValueExpression = 0x16,
  kGnuArgumentsSize = 0x2e,
  kGnuNegativeOffset = 0x2f,
};

// Expression operators that occur.
enum Operator : uint8_t { kDeref = 0x06, kPlusConstant = 0x23, kBreg0 = 0x70 };
constexpr uint8_t kBregRbp = kBreg0 + kRbp;
constexpr uint8_t kBregRsp = kBreg0 + kRsp;

// Offsets from damaged files may be anything: arithmetic wraps instead of overflowing.
int64_t multiply(int64_t left, int64_t right) {
  return static_cast<int64_t>(static_cast<uint64_t>(left) * static_cast<uint64_t>(right));
}

uint8_t encodeSaved(const CfiRegister& where, uint8_t limit) {
  switch (where.place) {
    case CfiRegister::kSame:
      return BUNSEN_SAVED_SAME;
    case CfiRegister::kBelowCfa:
      // The word right below the address is the return address.
      if (where.offset % 8 == 0 && where.offset <= -16 && where.offset > -8 * limit)
        return static_cast<uint8_t>(where.offset / -8);
      return BUNSEN_SAVED_LOST;
    case CfiRegister::kAtRbp:
      return BUNSEN_SAVED_AT_RBP;
    default:
      return BUNSEN_SAVED_LOST;
  }
}

}  // namespace

bunsen_unwind_rule CfiRules::encode(bool is_signal_frame) const {
  auto plain = [](uint8_t kind) { return bunsen_unwind_rule{0, 0, kind, 0}; };
  if (is_signal_frame) return plain(BUNSEN_CFA_SIGNAL);
  if (return_address.place == CfiRegister::kUndefined) return plain(BUNSEN_CFA_END);
  if (return_address.place != CfiRegister::kBelowCfa || return_address.offset != -8)
    return plain(BUNSEN_CFA_UNKNOWN);

  bunsen_unwind_rule rule = {};
  rule.cfa = cfa;
  if (cfa == BUNSEN_CFA_UNKNOWN) return plain(BUNSEN_CFA_UNKNOWN);
  int64_t offset = cfa == BUNSEN_CFA_PLT ? cfa_offset * 8 : cfa_offset;
  if (offset % 8 != 0 || offset / 8 < std::numeric_limits<int16_t>::min() ||
      offset / 8 > std::numeric_limits<int16_t>::max())
    return plain(BUNSEN_CFA_UNKNOWN);
  rule.offset = static_cast<int16_t>(offset / 8);
  rule.rbp = encodeSaved(rbp, BUNSEN_SAVED_RBP_LIMIT);
  rule.rbx = rbx.place == CfiRegister::kAtRbp
                 ? BUNSEN_SAVED_LOST
                 : static_cast<uint8_t>(encodeSaved(rbx, BUNSEN_SAVED_RBX_LIMIT) & 0xf);
  return rule;
}

CfiRules CfiProgram::initialRules(const CfiCommon& common) {
  CfiRules nothing;
  CfiProgram program(common, nothing);
  program.run(common.instructions, 0, [](uint64_t, const CfiRules&) {});
  return program.rules_;
}

void CfiProgram::run(std::string_view instructions, uint64_t start, const TakeRules& take) {
  CfiReader reader(instructions);
  uint64_t address = start;
  while (!reader.atEnd()) {
    uint64_t advance = 0;
    auto operation = reader.number<uint8_t>();
    if (operation == kSetLocation) {
      uint64_t to = reader.pointer(common_.pointer_encoding);
      // Relative to its own place in the file, which is not known here; no compiler emits it.
      bool is_absolute = (common_.pointer_encoding & kPointerBase) == kPointerAbsolute;
      if (is_absolute && to >= address) advance = to - address;
      if (!is_absolute) rules_.cfa = BUNSEN_CFA_UNKNOWN;
    } else if (!execute(operation, &reader, &advance)) {
      rules_.cfa = BUNSEN_CFA_UNKNOWN;
      break;
    }
    if (advance == 0) continue;
    take(address, rules_);
    address += advance;
  }
  if (reader.failed()) rules_.cfa = BUNSEN_CFA_UNKNOWN;
  take(address, rules_);
}

bool CfiProgram::execute(uint8_t operation, CfiReader* reader, uint64_t* advance) {
  uint8_t operand = operation & 0x3f;
  switch (operation & 0xc0) {
    case kAdvance:
      *advance = operand * common_.code_alignment;
      return true;
    case kOffset:
      setBelowCfa(operand, static_cast<int64_t>(reader->unsignedLeb()));
      return true;
    case kRestore:
      restoreRegister(operand);
      return true;
  }
  // In order of evaluation: operands are read left to right.
  auto number = [reader] { return reader->unsignedLeb(); };
  uint64_t which = 0;
  switch (operation) {
    case kNop:
      return true;
    case kAdvance1:
      *advance = reader->number<uint8_t>() * common_.code_alignment;
      return true;
    case kAdvance2:
      *advance = reader->number<uint16_t>() * common_.code_alignment;
      return true;
    case kAdvance4:
      *advance = reader->number<uint32_t>() * common_.code_alignment;
      return true;
    case kOffsetExtended:
      which = number();
      setBelowCfa(which, static_cast<int64_t>(number()));
      return true;
    case kOffsetExtendedSigned:
      which = number();
      setBelowCfa(which, reader->signedLeb());
      return true;
    case kGnuNegativeOffset:
      which = number();
      setBelowCfa(which, multiply(static_cast<int64_t>(number()), -1));
      return true;
    case kRestoreExtended:
      restoreRegister(number());
      return true;
    case kUndefined:
      setRegister(number(), {CfiRegister::kUndefined, 0});
      return true;
    case kSameValue:
      setRegister(number(), {CfiRegister::kSame, 0});
      return true;
    case kRegister:
    case kValueOffset:
      setRegister(number(), {CfiRegister::kElsewhere, 0});
      number();
      return true;
    case kValueOffsetSigned:
      setRegister(number(), {CfiRegister::kElsewhere, 0});
      reader->signedLeb();
      return true;
    case kExpression: {
      which = number();
      std::string_view expression = reader->take(number());
      bool at_rbp = expression == std::string_view("\x76\0", 2);
      setRegister(which, {at_rbp ? CfiRegister::kAtRbp : CfiRegister::kElsewhere, 0});
      return true;
    }
    case kValueExpression:
      setRegister(number(), {CfiRegister::kElsewhere, 0});
      reader->take(number());
      return true;
    case kRememberState:
      if (remembered_.size() == kMaxRemembered) return false;
      remembered_.push_back(rules_);
      return true;
    case kRestoreState:
      if (remembered_.empty()) return false;
      rules_ = remembered_.back();
      remembered_.pop_back();
      return true;
    case kDefCfa:
      which = number();
      setCfa(which, static_cast<int64_t>(number()));
      return true;
    case kDefCfaSigned:
      which = number();
      setCfa(which, multiply(reader->signedLeb(), common_.data_alignment));
      return true;
    case kDefCfaRegister:
      setCfa(number(), rules_.cfa_offset);
      return true;
    case kDefCfaOffset:
      rules_.cfa_offset = static_cast<int64_t>(number());
      return true;
    case kDefCfaOffsetSigned:
      rules_.cfa_offset = multiply(reader->signedLeb(), common_.data_alignment);
      return true;
    case kDefCfaExpression:
      setCfaExpression(reader->take(number()));
      return true;
    case kGnuArgumentsSize:
      number();
      return true;
    default:
      return false;
  }
}

void CfiProgram::setRegister(uint64_t number, CfiRegister where) {
  if (number == kRbp) rules_.rbp = where;
  if (number == kRbx) rules_.rbx = where;
  if (number == kReturnAddress) rules_.return_address = where;
}

void CfiProgram::restoreRegister(uint64_t number) {
  if (number == kRbp) rules_.rbp = initial_.rbp;
  if (number == kRbx) rules_.rbx = initial_.rbx;
  if (number == kReturnAddress) rules_.return_address = initial_.return_address;
}

void CfiProgram::setBelowCfa(uint64_t number, int64_t factored_offset) {
  setRegister(number, {CfiRegister::kBelowCfa, multiply(factored_offset, common_.data_alignment)});
}

void CfiProgram::setCfa(uint64_t number, int64_t offset) {
  rules_.cfa_offset = offset;
  switch (number) {
    case kRsp:
      rules_.cfa = BUNSEN_CFA_RSP;
      break;
    case kRbp:
      rules_.cfa = BUNSEN_CFA_RBP;
      break;
    case kRbx:
      rules_.cfa = BUNSEN_CFA_RBX;
      break;
    case kR10:
      rules_.cfa = BUNSEN_CFA_R10;
      break;
    default:
      rules_.cfa = BUNSEN_CFA_UNKNOWN;
  }
}

void CfiProgram::setCfaExpression(std::string_view expression) {
  rules_.cfa = BUNSEN_CFA_UNKNOWN;
  rules_.cfa_offset = 0;

  // A linker's lazy PLT: rsp + 8 + ((rip & 15) >= N) * 8.
  constexpr std::string_view kPltStart("\x77\x08\x80\x00\x3f\x1a", 6);
  constexpr std::string_view kPltEnd("\x2a\x33\x24\x22", 4);
  if (expression.size() == 11 && expression.substr(0, 6) == kPltStart &&
      expression.substr(7) == kPltEnd && (expression[6] & 0xf0) == 0x30) {
    rules_.cfa = BUNSEN_CFA_PLT;
    rules_.cfa_offset = expression[6] & 0xf;
    return;
  }

  // *(register + offset), and perhaps a constant on top.
  CfiReader reader(expression);
  auto base = reader.number<uint8_t>();
  int64_t offset = reader.signedLeb();
  auto deref = reader.number<uint8_t>();
  uint64_t added = 0;
  if (!reader.atEnd()) {
    if (reader.number<uint8_t>() != kPlusConstant) return;
    added = reader.unsignedLeb();
  }
  if (reader.failed() || !reader.atEnd() || deref != kDeref) return;
  rules_.cfa_offset = offset;
  if (base == kBregRsp && added == 8) rules_.cfa = BUNSEN_CFA_RSP_DEREF;
  if (base == kBregRbp && added == 0) rules_.cfa = BUNSEN_CFA_RBP_DEREF;
}

}  // namespace bunsen
