#include "elf_image.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

namespace bunsen::test {

namespace {

template <typename Record>
void append(std::string* bytes, const Record& record) {
  bytes->append(reinterpret_cast<const char*>(&record), sizeof(record));
}

}  // namespace

std::string makeElfImage(const std::vector<ImageSegment>& segments,
                         const std::vector<ImageSymbol>& symbols) {
  // Layout: header, program headers, note, symbols, strings, section headers.
  std::string note;
  append(&note, Elf64_Nhdr{4, 8, NT_GNU_BUILD_ID});
  note += std::string("GNU\0\x01\x23\x45\x67\x89\xab\xcd\xef", 12);

  std::string names(1, '\0');
  std::string table;
  append(&table, Elf64_Sym{});
  for (const ImageSymbol& symbol : symbols) {
    Elf64_Sym entry = {};
    entry.st_name = static_cast<Elf64_Word>(names.size());
    entry.st_info = ELF64_ST_INFO(STB_GLOBAL, symbol.type);
    entry.st_value = symbol.address;
    entry.st_size = symbol.size;
    for (size_t i = 0; i < segments.size(); i++)
      if (symbol.address >= segments[i].address &&
          symbol.address < segments[i].address + segments[i].bytes)
        entry.st_shndx = static_cast<Elf64_Section>(i + 3);
    append(&table, entry);
    names += symbol.name + '\0';
  }

  size_t note_at = sizeof(Elf64_Ehdr) + (segments.size() + 1) * sizeof(Elf64_Phdr);
  size_t table_at = note_at + note.size();
  size_t names_at = table_at + table.size();
  size_t sections_at = names_at + names.size();

  Elf64_Ehdr header = {};
  memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_phoff = sizeof(header);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = static_cast<Elf64_Half>(segments.size() + 1);
  header.e_shoff = sections_at;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = static_cast<Elf64_Half>(segments.size() + 3);

  std::string image;
  append(&image, header);
  for (const ImageSegment& segment : segments)
    append(&image, Elf64_Phdr{PT_LOAD, PF_R | PF_X, segment.file_offset, segment.address,
                              segment.address, segment.bytes, segment.bytes, 4096});
  append(&image, Elf64_Phdr{PT_NOTE, PF_R, note_at, 0, 0, note.size(), note.size(), 4});
  image += note + table + names;
  append(&image, Elf64_Shdr{});
  append(&image,
         Elf64_Shdr{0, SHT_SYMTAB, 0, 0, table_at, table.size(), 2, 0, 8, sizeof(Elf64_Sym)});
  append(&image, Elf64_Shdr{0, SHT_STRTAB, 0, 0, names_at, names.size(), 0, 0, 1, 0});
  for (const ImageSegment& segment : segments)
    append(&image, Elf64_Shdr{0, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, segment.address,
                              segment.file_offset, segment.bytes, 0, 0, 16, 0});
  return image;
}

std::string makeElfOfSections(const std::vector<ImageSection>& sections) {
  Elf64_Ehdr header = {};
  memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_machine = EM_X86_64;
  header.e_phoff = sizeof(header);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  header.e_shoff = sizeof(header) + sizeof(Elf64_Phdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = static_cast<Elf64_Half>(sections.size() + 1);
  header.e_shstrndx = 0;

  std::string image;
  append(&image, header);
  append(&image, Elf64_Phdr{PT_LOAD, PF_R | PF_X, 0, 0x1000, 0x1000, 1 << 20, 1 << 20, 4096});
  size_t names_at = image.size() + (sections.size() + 1) * sizeof(Elf64_Shdr);
  std::string names(1, '\0');
  for (const ImageSection& section : sections) names += section.name + '\0';
  append(&image, Elf64_Shdr{0, SHT_STRTAB, 0, 0, names_at, names.size(), 0, 0, 1, 0});
  size_t name_at = 1;
  size_t at = names_at + names.size();
  for (const ImageSection& section : sections) {
    append(&image, Elf64_Shdr{static_cast<Elf64_Word>(name_at), SHT_PROGBITS, SHF_ALLOC,
                              section.address, at, section.bytes.size(), 0, 0, 1, 0});
    name_at += section.name.size() + 1;
    at += section.bytes.size();
  }
  image += names;
  for (const ImageSection& section : sections) image += section.bytes;
  return image;
}

UniqueFd makeFile(const std::string& content) {
  UniqueFd fd(memfd_create("image", MFD_CLOEXEC));
  if (write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()))
    return UniqueFd();
  return fd;
}

}  // namespace bunsen::test
