#include "symbol_files.h"

#include <lzma.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <optional>

#include "proc_files.h"

namespace bunsen {

namespace {

constexpr char kDebugFolder[] = "/usr/lib/debug";
constexpr size_t kMaxLinkBytes = 4096;
// Real ones have some hundred kilobytes, and two megabytes unpacked.
constexpr size_t kMaxPackedBytes = 16 << 20;
constexpr size_t kMaxUnpackedBytes = 64 << 20;
constexpr uint64_t kMaxUnpackerBytes = 128 << 20;

struct DebugLink {
  std::string name;
  uint32_t checksum;
};

// The name, with zeros up to a multiple of four, and the checksum of the file.
std::optional<DebugLink> readDebugLink(const ElfFile& file) {
  std::optional<ElfRange> range = file.findSectionRange(".gnu_debuglink");
  if (!range || range->bytes > kMaxLinkBytes) return std::nullopt;
  std::optional<ElfSection> section = file.readSection(".gnu_debuglink");
  if (!section) return std::nullopt;
  DebugLink link;
  link.name = section->bytes.c_str();
  size_t at = (link.name.size() + 4) & ~size_t{3};
  // A name is no path: it must not lead out of the folders that are searched.
  if (link.name.empty() || link.name.find('/') != std::string::npos ||
      at + sizeof(link.checksum) > section->bytes.size())
    return std::nullopt;
  memcpy(&link.checksum, section->bytes.data() + at, sizeof(link.checksum));
  return link;
}

bool isDebugFileOf(const ElfFile& file, const ElfFile& debug, uint32_t checksum) {
  if (!debug.hasSymbolTable()) return false;
  if (!file.buildId().empty() || !debug.buildId().empty()) return file.buildId() == debug.buildId();
  return debug.checksum() == checksum;
}

std::vector<std::string> debugPaths(const std::string& path, const std::string& build_id,
                                    const std::optional<DebugLink>& link) {
  std::vector<std::string> paths;
  if (build_id.size() > 2)
    paths.push_back(std::string(kDebugFolder) + "/.build-id/" + build_id.substr(0, 2) + "/" +
                    build_id.substr(2) + ".debug");
  size_t slash = path.rfind('/');
  if (!link || slash == std::string::npos) return paths;
  std::string folder = path.substr(0, slash + 1);
  for (const std::string& place : {folder, folder + ".debug/", kDebugFolder + folder})
    if (place + link->name != path) paths.push_back(place + link->name);
  return paths;
}

std::shared_ptr<const ElfFile> openDebugFile(uint32_t pid, const std::string& path,
                                             const ElfFile& file) {
  std::optional<DebugLink> link = readDebugLink(file);
  std::vector<std::string> paths = debugPaths(path, file.buildId(), link);
  for (uint32_t root : {pid, static_cast<uint32_t>(getpid())})
    for (const std::string& candidate : paths) {
      std::optional<ElfFile> debug = ElfFile::open(openInRoot(root, candidate));
      if (debug && isDebugFileOf(file, *debug, link ? link->checksum : 0))
        return std::make_shared<const ElfFile>(std::move(*debug));
    }
  return nullptr;
}

// Unpacks into memory that can be read like a file.
std::optional<SymbolFile> unpackDebugData(const ElfFile& file) {
  std::optional<ElfRange> range = file.findSectionRange(".gnu_debugdata");
  if (!range || range->bytes > kMaxPackedBytes) return std::nullopt;
  std::optional<ElfSection> packed = file.readSection(".gnu_debugdata");
  UniqueFd memory(memfd_create("gnu_debugdata", MFD_CLOEXEC));
  if (!packed || !memory) return std::nullopt;

  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, kMaxUnpackerBytes, 0) != LZMA_OK) return std::nullopt;
  stream.next_in = reinterpret_cast<const uint8_t*>(packed->bytes.data());
  stream.avail_in = packed->bytes.size();
  std::array<uint8_t, 64 << 10> piece;
  size_t unpacked = 0;
  lzma_ret state = LZMA_OK;
  while (state == LZMA_OK && unpacked <= kMaxUnpackedBytes) {
    stream.next_out = piece.data();
    stream.avail_out = piece.size();
    state = lzma_code(&stream, LZMA_FINISH);
    size_t bytes = piece.size() - stream.avail_out;
    if (write(memory.get(), piece.data(), bytes) != static_cast<ssize_t>(bytes)) break;
    unpacked += bytes;
  }
  lzma_end(&stream);
  if (state != LZMA_STREAM_END) return std::nullopt;
  std::optional<ElfFile> inner = ElfFile::open(std::move(memory));
  if (!inner) return std::nullopt;
  return SymbolFile{std::make_shared<const ElfFile>(std::move(*inner)), unpacked};
}

}  // namespace

std::vector<SymbolFile> openSymbolFiles(uint32_t pid, const std::string& path,
                                        std::shared_ptr<const ElfFile> file) {
  std::vector<SymbolFile> files;
  if (!file->hasSymbolTable()) {
    if (std::shared_ptr<const ElfFile> debug = openDebugFile(pid, path, *file))
      files.push_back({std::move(debug), 0});
    else if (std::optional<SymbolFile> unpacked = unpackDebugData(*file))
      files.push_back(std::move(*unpacked));
  }
  files.push_back({std::move(file), 0});
  return files;
}

}  // namespace bunsen
