#include "mappings.h"

#include <charconv>

namespace bunsen {

namespace {

// Consumes "VALUE" and the separator behind it.
bool consumeNumber(std::string_view* text, int base, char separator, uint64_t* value) {
  auto parsed = std::from_chars(text->data(), text->data() + text->size(), *value, base);
  if (parsed.ec != std::errc()) return false;
  text->remove_prefix(static_cast<size_t>(parsed.ptr - text->data()));
  if (separator == '\0') return true;
  if (text->empty() || text->front() != separator) return false;
  text->remove_prefix(1);
  return true;
}

bool startsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// "START-END PERMS OFFSET DEVICE INODE    PATH". False for what is malformed or not executable.
bool parseLine(std::string_view line, Mapping* mapping) {
  if (!consumeNumber(&line, 16, '-', &mapping->start)) return false;
  if (!consumeNumber(&line, 16, ' ', &mapping->end)) return false;
  if (line.size() < 5 || line[2] != 'x' || line[4] != ' ') return false;
  line.remove_prefix(5);
  if (!consumeNumber(&line, 16, ' ', &mapping->file_offset)) return false;
  size_t end_of_device = line.find(' ');
  if (end_of_device == std::string_view::npos) return false;
  mapping->device = line.substr(0, end_of_device);
  line.remove_prefix(end_of_device + 1);
  if (!consumeNumber(&line, 10, '\0', &mapping->inode)) return false;

  size_t path = line.find_first_not_of(' ');
  mapping->path = path == std::string_view::npos ? "" : line.substr(path);
  constexpr std::string_view kDeleted = " (deleted)";
  if (mapping->path.size() > kDeleted.size() &&
      mapping->path.compare(mapping->path.size() - kDeleted.size(), kDeleted.size(), kDeleted) == 0)
    mapping->path.resize(mapping->path.size() - kDeleted.size());
  return mapping->start < mapping->end;
}

}  // namespace

bool Mapping::isMemoryFile() const {
  return startsWith(path, "/memfd:") || startsWith(path, "/dev/zero") ||
         startsWith(path, "/SYSV") || startsWith(path, "/dev/shm/");
}

std::vector<Mapping> parseMappings(std::string_view maps) {
  std::vector<Mapping> mappings;
  while (!maps.empty()) {
    size_t end = maps.find('\n');
    std::string_view line = maps.substr(0, end);
    maps.remove_prefix(end == std::string_view::npos ? maps.size() : end + 1);
    Mapping mapping;
    if (!parseLine(line, &mapping)) continue;
    if (!mappings.empty() && mapping.start < mappings.back().end) continue;
    mappings.push_back(std::move(mapping));
  }
  return mappings;
}

}  // namespace bunsen
