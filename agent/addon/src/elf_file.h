// Reads what symbolization needs of an ELF file: build ID, executable segments, function symbols.
//
// Reads with pread, never mmap: a file that shrinks under a mapping kills the reader with SIGBUS.
// Nothing in the file is trusted; what does not fit in it is treated as absent.
#pragma once

#include <elf.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unique_fd.h"

namespace bunsen {

// A PT_LOAD that is executable.
struct ElfSegment {
  uint64_t file_offset;
  uint64_t file_bytes;
  uint64_t address;  // virtual address in the file's own terms
};

// Address range of one function symbol. 12 bytes, since node alone has 150,000 of them: the name is
// read from the file when it is first needed.
struct ElfSymbol {
  uint32_t start;  // from ElfSymbols::base
  uint32_t size;
  uint32_t name_offset : 31;  // in the string table
  uint32_t is_unsized : 1;    // the file does not say how large it is: `size` is a guess
};

struct ElfSymbols {
  uint64_t base = 0;  // added to each start
  uint64_t strings_offset = 0;
  uint64_t strings_bytes = 0;
  std::vector<ElfSymbol> symbols;  // by start; of one start, the longest first

  size_t sizeBytes() const { return symbols.capacity() * sizeof(ElfSymbol); }

  // Returns the indices [first, second) of the symbols, aliases of each other, whose range holds
  // the address; of nested ranges the innermost. Empty if no symbol's does.
  std::pair<size_t, size_t> find(uint64_t address) const;
};

struct ElfSection {
  uint64_t address;  // virtual address in the file's own terms
  std::string bytes;
};

// Where a section's content is.
struct ElfRange {
  uint64_t address;
  uint64_t file_offset;
  uint64_t bytes;
  uint64_t entry_bytes;  // of each of its entries, where it is a table; else 0
};

class ElfFile {
 public:
  // Nothing if this is not a 64-bit little-endian ELF file.
  static std::optional<ElfFile> open(UniqueFd fd);

  // Lower-case hex; "" if the file has none.
  const std::string& buildId() const { return build_id_; }

  // Returns the virtual address of what the file holds at this offset, if it is in an executable
  // segment. A file may have several of them (node has three), each with its own distance between
  // offset and address.
  std::optional<uint64_t> addressAt(uint64_t file_offset) const;

  const std::vector<ElfSegment>& segments() const { return segments_; }

  // Returns the lowest virtual address of code.
  std::optional<uint64_t> codeBase() const;

  // Returns the virtual address at which the program begins; 0 if it says none.
  uint64_t entryPoint() const { return entry_point_; }

  // Whether the code is for the processor that this runs on.
  bool isNative() const;

  // Returns the content of the section of this name, if there is one and it is not compressed.
  std::optional<ElfSection> readSection(std::string_view name) const;

  // Returns where that content is. The file may have been cut since.
  std::optional<ElfRange> findSectionRange(std::string_view name) const;

  // Reads a part of the file. False if not all of it is there.
  bool readAt(uint64_t offset, void* into, size_t bytes) const;

  // Whether there is DWARF debug information, be it compressed.
  bool hasDebugInfo() const;

  // The open file, for who reads it by other means.
  int descriptor() const { return fd_.get(); }

  // Whether there is a .symtab, which strip takes away.
  bool hasSymbolTable() const;

  // Returns the checksum of the whole file by which .gnu_debuglink knows it (CRC-32 of IEEE 802.3).
  uint32_t checksum() const;

  // Returns the functions of .symtab or, if it has none, of .dynsym; empty if stripped of both.
  //
  // Sizes are honoured: an address behind the end of a function is not named after it. Functions of
  // size 0 (hand-written assembly) reach to the next symbol, or the end of their section, but not
  // further than kLongestUnsized. Labels without type and size are skipped.
  ElfSymbols readSymbols() const;

  // Returns the symbol's name, "" if it cannot be read.
  std::string readName(const ElfSymbols& symbols, const ElfSymbol& symbol) const;

  static constexpr uint32_t kLongestUnsized = 4096;

 private:
  explicit ElfFile(UniqueFd fd) : fd_(std::move(fd)) {}

  bool readHeaders();
  bool isNamed(const Elf64_Shdr& section, std::string_view name) const;
  const Elf64_Shdr* findSection(std::string_view name) const;
  std::string readBuildId(const Elf64_Phdr& segment) const;
  ElfSymbols readSymbolTable(const Elf64_Shdr& table) const;
  void extendUnsized(ElfSymbols* symbols) const;

  UniqueFd fd_;
  uint64_t file_bytes_ = 0;
  std::string build_id_;
  std::vector<ElfSegment> segments_;
  std::vector<Elf64_Shdr> sections_;
  uint64_t entry_point_ = 0;
  uint16_t machine_ = EM_NONE;
  uint16_t section_names_ = SHN_UNDEF;  // the section that holds them
};

// Returns the virtual address that a mapping of a file with these segments begins at, if it maps
// code. Mappings begin at whole pages, which may be before the segment.
std::optional<uint64_t> addressOfMapping(const std::vector<ElfSegment>& segments,
                                         uint64_t file_offset);

// A build ID is a hash: of 8 bytes (fast), 16 or 20 bytes as linkers make them, or longer if
// someone chose it.
constexpr uint32_t kMaxBuildIdBytes = 64;

// Returns the build ID among ELF notes, in lower-case hex; "" if there is none, or it is too long.
std::string buildIdOfNotes(std::string_view notes, uint64_t alignment);

}  // namespace bunsen
