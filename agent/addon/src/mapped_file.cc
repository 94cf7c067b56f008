#include "mapped_file.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "proc_files.h"

namespace bunsen {

namespace {

// Opens what is at the mapping's path, if it is the same inode.
UniqueFd openSameInode(uint32_t pid, const Mapping& mapping) {
  UniqueFd file = openInRoot(pid, mapping.path);
  struct stat status;
  if (file && fstat(file.get(), &status) == 0 && status.st_ino == mapping.inode) return file;
  return UniqueFd();
}

std::optional<ElfFile> openRecorded(uint32_t pid, const Mapping& mapping) {
  for (uint32_t root : {pid, static_cast<uint32_t>(getpid())})
    if (UniqueFd file = openSameInode(root, mapping)) return ElfFile::open(std::move(file));
  return std::nullopt;
}

}  // namespace

std::string fileKey(const Mapping& mapping) {
  return mapping.device + ' ' + std::to_string(mapping.inode) + ' ' + mapping.path;
}

std::optional<ElfFile> openMapped(uint32_t pid, const Mapping& mapping) {
  if (mapping.is_recorded) return openRecorded(pid, mapping);
  char name[64];
  snprintf(name, sizeof(name), "map_files/%lx-%lx", mapping.start, mapping.end);
  UniqueFd file(open(procPath(pid, name).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  return ElfFile::open(file ? std::move(file) : openSameInode(pid, mapping));
}

UniqueFd copyVdso() {
  const auto* image = reinterpret_cast<const char*>(getauxval(AT_SYSINFO_EHDR));
  if (!image) return UniqueFd();
  std::string maps;
  readWholeFile("/proc/self/maps", &maps);
  for (const Mapping& mapping : parseMappings(maps)) {
    if (mapping.path != "[vdso]") continue;
    size_t bytes = mapping.end - mapping.start;
    UniqueFd copy(memfd_create("vdso", MFD_CLOEXEC));
    if (copy && write(copy.get(), image, bytes) == static_cast<ssize_t>(bytes)) return copy;
  }
  return UniqueFd();
}

}  // namespace bunsen
