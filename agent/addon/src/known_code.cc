#include "known_code.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace bunsen {

namespace {

using namespace std::string_view_literals;

// Far above any real file.
constexpr uint64_t kMaxRelocations = 4 << 20;
constexpr size_t kRelocationsPerRead = 4096;
constexpr size_t kMaxNameBytes = 4096;
constexpr size_t kMaxStubBytes = 16;
constexpr size_t kMaxStartBytes = 64;

constexpr std::string_view kEndbr64 = "\xf3\x0f\x1e\xfa"sv;
constexpr std::string_view kBound = "\xf2"sv;                 // of a jump
constexpr std::string_view kJumpThrough = "\xff\x25"sv;       // jmp *N(%rip)
constexpr std::string_view kCallThrough = "\xff\x15"sv;       // call *N(%rip)
constexpr std::string_view kAddressToRdi = "\x48\x8d\x3d"sv;  // lea N(%rip), %rdi
constexpr std::string_view kNumberToRdi = "\x48\xc7\xc7"sv;   // mov $N, %rdi

// Goes through machine code; what it is asked to skip is left alone if it is not there.
class Code {
 public:
  Code(std::string_view bytes, uint64_t address) : bytes_(bytes), address_(address) {}

  bool skip(std::string_view expected) {
    if (bytes_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }

  // Returns four bytes, with their sign.
  std::optional<uint64_t> number() {
    int32_t value;
    if (bytes_.size() - at_ < sizeof(value)) return std::nullopt;
    memcpy(&value, bytes_.data() + at_, sizeof(value));
    at_ += sizeof(value);
    return static_cast<uint64_t>(int64_t{value});
  }

  // The same, relative to what is behind them.
  std::optional<uint64_t> address() {
    std::optional<uint64_t> distance = number();
    return distance ? std::optional(address_ + at_ + *distance) : std::nullopt;
  }

  bool atEnd() const { return at_ == bytes_.size(); }
  void next() { at_ = std::min(at_ + 1, bytes_.size()); }

 private:
  std::string_view bytes_;
  uint64_t address_;
  size_t at_ = 0;
};

// Returns so many bytes of the section from an address in it on, or those up to its end.
std::string readCode(const ElfFile& file, const ElfRange& section, uint64_t address, size_t bytes) {
  uint64_t offset = address - section.address;
  std::string code(std::min<uint64_t>(bytes, section.bytes - offset), '\0');
  return file.readAt(section.file_offset + offset, code.data(), code.size()) ? code : "";
}

bool holds(const ElfRange& section, uint64_t address) {
  return address >= section.address && address - section.address < section.bytes;
}

// Returns the number of the symbol whose address the relocations put into the slot; 0 for none.
uint64_t symbolOfSlot(const ElfFile& file, const ElfRange& relocations, uint64_t slot) {
  uint64_t count = std::min(relocations.bytes / sizeof(Elf64_Rela), kMaxRelocations);
  std::vector<Elf64_Rela> batch(kRelocationsPerRead);
  for (uint64_t i = 0; i < count; i += batch.size()) {
    batch.resize(std::min<uint64_t>(kRelocationsPerRead, count - i));
    if (!file.readAt(relocations.file_offset + i * sizeof(Elf64_Rela), batch.data(),
                     batch.size() * sizeof(Elf64_Rela)))
      return 0;
    for (const Elf64_Rela& relocation : batch) {
      uint64_t type = ELF64_R_TYPE(relocation.r_info);
      if (relocation.r_offset == slot && (type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT))
        return ELF64_R_SYM(relocation.r_info);
    }
  }
  return 0;
}

std::string nameOfSymbol(const ElfFile& file, uint64_t number) {
  std::optional<ElfRange> symbols = file.findSectionRange(".dynsym");
  std::optional<ElfRange> strings = file.findSectionRange(".dynstr");
  Elf64_Sym symbol;
  if (!symbols || !strings || number >= symbols->bytes / sizeof(symbol) ||
      !file.readAt(symbols->file_offset + number * sizeof(symbol), &symbol, sizeof(symbol)) ||
      symbol.st_name >= strings->bytes)
    return "";
  std::string name(std::min<uint64_t>(strings->bytes - symbol.st_name, kMaxNameBytes), '\0');
  if (!file.readAt(strings->file_offset + symbol.st_name, name.data(), name.size())) return "";
  return name.c_str();
}

// Returns the name of the function whose address the dynamic linker puts into the slot, or "".
std::string nameOfSlot(const ElfFile& file, uint64_t slot) {
  for (const char* name : {".rela.plt", ".rela.dyn"}) {
    std::optional<ElfRange> relocations = file.findSectionRange(name);
    uint64_t symbol = relocations ? symbolOfSlot(file, *relocations, slot) : 0;
    if (symbol != 0) return nameOfSymbol(file, symbol);
  }
  return "";
}

}  // namespace

std::vector<ElfRange> findPltTables(const ElfFile& file) {
  std::vector<ElfRange> tables;
  for (const char* name : {".plt", ".plt.sec", ".plt.got"})
    if (std::optional<ElfRange> table = file.findSectionRange(name)) tables.push_back(*table);
  return tables;
}

std::optional<PltStub> pltStubAt(const ElfFile& file, const std::vector<ElfRange>& tables,
                                 uint64_t address) {
  for (const ElfRange& table : tables) {
    if (!holds(table, address)) continue;
    uint64_t stub_bytes = table.entry_bytes ? table.entry_bytes : kMaxStubBytes;
    uint64_t start = address - (address - table.address) % stub_bytes;
    std::string bytes = readCode(file, table, start, std::min<uint64_t>(stub_bytes, kMaxStubBytes));
    Code code(bytes, start);
    code.skip(kEndbr64);
    code.skip(kBound);
    if (!code.skip(kJumpThrough)) return std::nullopt;
    std::optional<uint64_t> slot = code.address();
    std::string symbol = slot ? nameOfSlot(file, *slot) : "";
    return symbol.empty() ? std::nullopt : std::optional(PltStub{start, std::move(symbol)});
  }
  return std::nullopt;
}

// main() is the first argument, the last one that _start makes ready.
std::optional<EntryCode> findEntryCode(const ElfFile& file) {
  uint64_t start = file.entryPoint();
  std::optional<ElfRange> text = file.findSectionRange(".text");
  if (!text || !holds(*text, start)) return std::nullopt;
  std::string bytes = readCode(file, *text, start, kMaxStartBytes);
  for (Code code(bytes, start); !code.atEnd(); code.next()) {
    bool is_relative = code.skip(kAddressToRdi);
    if (!is_relative && !code.skip(kNumberToRdi)) continue;
    std::optional<uint64_t> main = is_relative ? code.address() : code.number();
    std::optional<uint64_t> slot = code.skip(kCallThrough) ? code.address() : std::nullopt;
    if (!main || !slot || nameOfSlot(file, *slot) != "__libc_start_main") return std::nullopt;
    return EntryCode{start, *main};
  }
  return std::nullopt;
}

}  // namespace bunsen
