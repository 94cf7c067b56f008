#include "elf_file.h"

#include <lzma.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace bunsen {

namespace {

// Far above any real file, far below what would hurt.
constexpr size_t kMaxSections = 16384;
constexpr uint64_t kMaxNotesBytes = 64 << 10;
constexpr uint64_t kMaxSymbols = 16 << 20;
// 24 MB: as much as one table may take. The functions beyond stay unnamed.
constexpr size_t kMaxFunctions = 2 << 20;
constexpr size_t kMaxNameBytes = 4096;
constexpr uint32_t kMaxNameOffset = INT32_MAX;  // what ElfSymbol has room for
constexpr size_t kSymbolsPerRead = 4096;

bool isFunction(const Elf64_Sym& symbol) {
  switch (ELF64_ST_TYPE(symbol.st_info)) {
    case STT_FUNC:
    case STT_GNU_IFUNC:
      return true;
    case STT_NOTYPE:
      return symbol.st_size > 0;
    default:
      return false;
  }
}

std::string toHex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (char byte : bytes) {
    hex += kDigits[byte >> 4 & 15];
    hex += kDigits[byte & 15];
  }
  return hex;
}

}  // namespace

std::optional<ElfFile> ElfFile::open(UniqueFd fd) {
  if (!fd) return std::nullopt;
  ElfFile file(std::move(fd));
  if (!file.readHeaders()) return std::nullopt;
  return file;
}

bool ElfFile::readAt(uint64_t offset, void* into, size_t bytes) const {
  if (offset > file_bytes_ || bytes > file_bytes_ - offset) return false;
  auto* at = static_cast<char*>(into);
  while (bytes > 0) {
    ssize_t got = pread(fd_.get(), at, bytes, static_cast<off_t>(offset));
    if (got <= 0) return false;
    at += got;
    offset += static_cast<uint64_t>(got);
    bytes -= static_cast<size_t>(got);
  }
  return true;
}

bool ElfFile::readHeaders() {
  struct stat status;
  if (fstat(fd_.get(), &status) != 0 || status.st_size < 0) return false;
  file_bytes_ = static_cast<uint64_t>(status.st_size);

  Elf64_Ehdr header;
  if (!readAt(0, &header, sizeof(header)) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
    return false;
  entry_point_ = header.e_entry;
  machine_ = header.e_machine;
  section_names_ = header.e_shstrndx;

  if (header.e_phentsize == sizeof(Elf64_Phdr)) {
    std::vector<Elf64_Phdr> programs(header.e_phnum);
    if (!readAt(header.e_phoff, programs.data(), programs.size() * sizeof(Elf64_Phdr)))
      programs.clear();
    for (const Elf64_Phdr& program : programs) {
      if (program.p_type == PT_LOAD && program.p_flags & PF_X)
        segments_.push_back({program.p_offset, program.p_filesz, program.p_vaddr});
      if (program.p_type == PT_NOTE && build_id_.empty()) build_id_ = readBuildId(program);
    }
  }
  if (header.e_shentsize == sizeof(Elf64_Shdr) && header.e_shnum <= kMaxSections) {
    sections_.resize(header.e_shnum);
    if (!readAt(header.e_shoff, sections_.data(), sections_.size() * sizeof(Elf64_Shdr)))
      sections_.clear();
  }
  return true;
}

std::string ElfFile::readBuildId(const Elf64_Phdr& segment) const {
  if (segment.p_filesz > kMaxNotesBytes) return "";
  std::string notes(segment.p_filesz, '\0');
  if (!readAt(segment.p_offset, notes.data(), notes.size())) return "";
  return buildIdOfNotes(notes, segment.p_align);
}

std::string buildIdOfNotes(std::string_view notes, uint64_t alignment) {
  uint64_t align = alignment == 8 ? 8 : 4;
  auto padded = [align](uint64_t size) { return (size + align - 1) & ~(align - 1); };

  uint64_t at = 0;
  Elf64_Nhdr note;
  while (at + sizeof(note) <= notes.size()) {
    memcpy(&note, notes.data() + at, sizeof(note));
    uint64_t name = at + sizeof(note);
    uint64_t content = name + padded(note.n_namesz);
    if (content + note.n_descsz > notes.size()) break;
    if (note.n_type == NT_GNU_BUILD_ID && note.n_descsz <= kMaxBuildIdBytes &&
        notes.substr(name, 4) == std::string_view("GNU", 4))
      return toHex(notes.substr(content, note.n_descsz));
    at = content + padded(note.n_descsz);
  }
  return "";
}

std::optional<uint64_t> ElfFile::addressAt(uint64_t file_offset) const {
  for (const ElfSegment& segment : segments_)
    if (file_offset >= segment.file_offset &&
        file_offset - segment.file_offset < segment.file_bytes)
      return file_offset - segment.file_offset + segment.address;
  return std::nullopt;
}

std::optional<uint64_t> addressOfMapping(const std::vector<ElfSegment>& segments,
                                         uint64_t file_offset) {
  constexpr uint64_t kPageBytes = 4096;
  for (const ElfSegment& segment : segments)
    if (file_offset >= segment.file_offset / kPageBytes * kPageBytes &&
        (file_offset < segment.file_offset ||
         file_offset - segment.file_offset < segment.file_bytes))
      return file_offset - segment.file_offset + segment.address;
  return std::nullopt;
}

std::optional<uint64_t> ElfFile::codeBase() const {
  std::optional<uint64_t> base;
  for (const ElfSegment& segment : segments_)
    base = std::min(base.value_or(UINT64_MAX), segment.address);
  return base;
}

bool ElfFile::isNative() const {
#ifdef __x86_64__
  return machine_ == EM_X86_64;
#else
  return machine_ == EM_AARCH64;
#endif
}

bool ElfFile::isNamed(const Elf64_Shdr& section, std::string_view name) const {
  if (section_names_ >= sections_.size()) return false;
  const Elf64_Shdr& names = sections_[section_names_];
  std::string found(name.size() + 1, '\0');
  return section.sh_name < names.sh_size &&
         readAt(names.sh_offset + section.sh_name, found.data(), found.size()) &&
         std::string_view(found.data(), name.size()) == name && found.back() == '\0';
}

const Elf64_Shdr* ElfFile::findSection(std::string_view name) const {
  for (const Elf64_Shdr& section : sections_) {
    if (section.sh_type == SHT_NOBITS || section.sh_flags & SHF_COMPRESSED) continue;
    // A damaged header must not cost memory that the file does not have.
    if (section.sh_offset > file_bytes_ || section.sh_size > file_bytes_ - section.sh_offset)
      continue;
    if (isNamed(section, name)) return &section;
  }
  return nullptr;
}

std::optional<ElfRange> ElfFile::findSectionRange(std::string_view name) const {
  const Elf64_Shdr* section = findSection(name);
  if (!section) return std::nullopt;
  return ElfRange{section->sh_addr, section->sh_offset, section->sh_size, section->sh_entsize};
}

std::optional<ElfSection> ElfFile::readSection(std::string_view name) const {
  const Elf64_Shdr* section = findSection(name);
  if (!section) return std::nullopt;
  ElfSection result = {section->sh_addr, std::string(section->sh_size, '\0')};
  if (!readAt(section->sh_offset, result.bytes.data(), result.bytes.size())) return std::nullopt;
  return result;
}

bool ElfFile::hasDebugInfo() const {
  return std::any_of(sections_.begin(), sections_.end(), [this](const Elf64_Shdr& section) {
    return section.sh_type != SHT_NOBITS &&
           (isNamed(section, ".debug_info") || isNamed(section, ".zdebug_info"));
  });
}

bool ElfFile::hasSymbolTable() const {
  return std::any_of(sections_.begin(), sections_.end(), [](const Elf64_Shdr& section) {
    return section.sh_type == SHT_SYMTAB && section.sh_size > sizeof(Elf64_Sym);
  });
}

uint32_t ElfFile::checksum() const {
  std::vector<uint8_t> piece(1 << 20);
  uint32_t checksum = 0;
  for (uint64_t at = 0; at < file_bytes_; at += piece.size()) {
    piece.resize(std::min<uint64_t>(piece.size(), file_bytes_ - at));
    if (!readAt(at, piece.data(), piece.size())) return 0;
    checksum = lzma_crc32(piece.data(), piece.size(), checksum);
  }
  return checksum;
}

ElfSymbols ElfFile::readSymbols() const {
  for (uint32_t type : {SHT_SYMTAB, SHT_DYNSYM})
    for (const Elf64_Shdr& section : sections_) {
      if (section.sh_type != type) continue;
      ElfSymbols symbols = readSymbolTable(section);
      if (!symbols.symbols.empty()) return symbols;
    }
  return {};
}

ElfSymbols ElfFile::readSymbolTable(const Elf64_Shdr& table) const {
  ElfSymbols result;
  if (table.sh_entsize != sizeof(Elf64_Sym) || table.sh_link >= sections_.size()) return result;
  const Elf64_Shdr& strings = sections_[table.sh_link];
  result.strings_offset = strings.sh_offset;
  result.strings_bytes = strings.sh_size;
  result.base = UINT64_MAX;
  for (const ElfSegment& segment : segments_) result.base = std::min(result.base, segment.address);

  auto sectionOf = [this](const Elf64_Sym& symbol) -> const Elf64_Shdr* {
    if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= sections_.size()) return nullptr;
    const Elf64_Shdr& section = sections_[symbol.st_shndx];
    return section.sh_flags & SHF_EXECINSTR ? &section : nullptr;
  };
  auto forEachFunction = [&](auto visit) {
    uint64_t count = std::min(table.sh_size / sizeof(Elf64_Sym), kMaxSymbols);
    std::vector<Elf64_Sym> batch(kSymbolsPerRead);
    for (uint64_t i = 0; i < count; i += batch.size()) {
      batch.resize(std::min<uint64_t>(kSymbolsPerRead, count - i));
      if (!readAt(table.sh_offset + i * sizeof(Elf64_Sym), batch.data(),
                  batch.size() * sizeof(Elf64_Sym)))
        return;
      for (const Elf64_Sym& symbol : batch) {
        const Elf64_Shdr* section = sectionOf(symbol);
        if (!section || !isFunction(symbol) || symbol.st_name >= strings.sh_size ||
            symbol.st_name > kMaxNameOffset)
          continue;
        if (symbol.st_value < result.base || symbol.st_value - result.base > UINT32_MAX) continue;
        visit(symbol, *section);
      }
    }
  };

  // Twice over the file instead of growing a vector: its doubling would cost more memory than it
  // holds in the end.
  size_t functions = 0;
  forEachFunction([&](const Elf64_Sym&, const Elf64_Shdr&) { functions++; });
  functions = std::min(functions, kMaxFunctions);
  result.symbols.reserve(functions);
  forEachFunction([&](const Elf64_Sym& symbol, const Elf64_Shdr&) {
    if (result.symbols.size() == functions) return;
    result.symbols.push_back({static_cast<uint32_t>(symbol.st_value - result.base),
                              static_cast<uint32_t>(std::min<uint64_t>(symbol.st_size, UINT32_MAX)),
                              symbol.st_name & kMaxNameOffset, symbol.st_size == 0});
  });
  std::sort(result.symbols.begin(), result.symbols.end(),
            [](const ElfSymbol& left, const ElfSymbol& right) {
              if (left.start != right.start) return left.start < right.start;
              return left.size > right.size;
            });
  extendUnsized(&result);
  return result;
}

void ElfFile::extendUnsized(ElfSymbols* symbols) const {
  std::vector<uint64_t> section_ends;
  for (const Elf64_Shdr& section : sections_)
    if (section.sh_flags & SHF_EXECINSTR) section_ends.push_back(section.sh_addr + section.sh_size);
  std::sort(section_ends.begin(), section_ends.end());

  uint64_t current = UINT64_MAX;
  uint64_t next = UINT64_MAX;  // the first start above the current one
  for (size_t i = symbols->symbols.size(); i-- > 0;) {
    ElfSymbol& symbol = symbols->symbols[i];
    uint64_t start = symbols->base + symbol.start;
    if (start != current) next = std::exchange(current, start);
    if (symbol.size != 0) continue;
    auto section_end = std::upper_bound(section_ends.begin(), section_ends.end(), start);
    if (section_end == section_ends.end()) continue;
    symbol.size = static_cast<uint32_t>(
        std::min<uint64_t>(std::min(next, *section_end) - start, kLongestUnsized));
  }
}

std::pair<size_t, size_t> ElfSymbols::find(uint64_t address) const {
  // The range that holds the address is at most so many symbols before it, and has at most so many
  // aliases; more is unheard of, and without a bound garbage would cost quadratic time.
  constexpr int kLongestWalk = 32;
  if (address < base || address - base > UINT32_MAX) return {0, 0};
  auto wanted = static_cast<uint32_t>(address - base);
  auto after = std::upper_bound(
      symbols.begin(), symbols.end(), wanted,
      [](uint32_t value, const ElfSymbol& symbol) { return value < symbol.start; });
  auto found = after;
  for (int walked = 0; found != symbols.begin() && walked < kLongestWalk; walked++) {
    --found;
    if (wanted - found->start >= found->size) continue;
    // Its aliases end where it does; they stand side by side.
    auto first = found;
    auto isAlias = [found](const ElfSymbol& other) {
      return other.start == found->start && other.size == found->size;
    };
    while (first != symbols.begin() && found - first < kLongestWalk && isAlias(*(first - 1)))
      --first;
    return {first - symbols.begin(), found + 1 - symbols.begin()};
  }
  return {0, 0};
}

std::string ElfFile::readName(const ElfSymbols& symbols, const ElfSymbol& symbol) const {
  if (symbol.name_offset >= symbols.strings_bytes) return "";
  uint64_t left = symbols.strings_bytes - symbol.name_offset;
  std::string name;
  char piece[256];
  while (left > 0 && name.size() < kMaxNameBytes) {
    size_t wanted = std::min<uint64_t>(left, sizeof(piece));
    uint64_t offset = symbols.strings_offset + symbol.name_offset + name.size();
    if (!readAt(offset, piece, wanted)) return "";
    size_t length = strnlen(piece, wanted);
    name.append(piece, length);
    if (length < wanted) return name;
    left -= wanted;
  }
  return name;
}

}  // namespace bunsen
