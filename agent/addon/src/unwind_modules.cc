#include "unwind_modules.h"

#include <algorithm>

#include "mapped_file.h"

namespace bunsen {

namespace {

constexpr size_t kRowsPerPage = BUNSEN_UNWIND_PAGE_ROWS;

bool mayRetry(const UnwindModule& module, uint64_t now_ms) {
  return module.refused_until_ms != 0 && now_ms >= module.refused_until_ms;
}

size_t pagesOfTree(size_t rows) {
  size_t pages = 0;
  do {
    rows = (rows + kRowsPerPage - 1) / kRowsPerPage;
    pages += rows;
  } while (rows > 1);
  return pages;
}

}  // namespace

UnwindModules::UnwindModules(UnwindStore* store, uint64_t large_file_bytes, Release release)
    : store_(store), large_file_bytes_(large_file_bytes), release_(std::move(release)) {
  TreeRow absent = rowOf({0, {0, 0, BUNSEN_CFA_ABSENT, 0}});
  store_->writePage(BUNSEN_UNWIND_ABSENT_PAGE, makePage(&absent, 1));
}

UnwindModules::TreeRow UnwindModules::rowOf(const UnwindRow& row) {
  bunsen_unwind_value value;
  value.rule = row.rule;
  return {row.start, value};
}

bunsen_unwind_page UnwindModules::makePage(const TreeRow* rows, size_t used) {
  bunsen_unwind_page page = {};
  std::fill(std::begin(page.start), std::end(page.start), BUNSEN_UNWIND_NO_START);
  for (size_t i = 0; i < used; i++) {
    page.start[i] = rows[i].start;
    page.value[i] = rows[i].value;
  }
  for (size_t group = 0; group < BUNSEN_UNWIND_GROUPS; group++)
    page.group_start[group] = page.start[group * BUNSEN_UNWIND_GROUP_ROWS];
  return page;
}

std::shared_ptr<UnwindModule> UnwindModules::open(uint32_t pid, const Mapping& mapping,
                                                  uint64_t now_ms) {
  bool is_vdso = mapping.path == "[vdso]";
  if (mapping.isAnonymous() && !is_vdso) return nullptr;
  std::string file = is_vdso ? mapping.path : fileKey(mapping);
  auto known = by_file_.find(file);
  if (known == by_file_.end() || mayRetry(*known->second.module, now_ms)) {
    std::shared_ptr<UnwindModule> module = read(pid, mapping, file, now_ms);
    // Not remembered: mostly the process has just ended, and the next one may have the file.
    if (!module) return nullptr;
    known = by_file_.insert_or_assign(file, KnownFile{std::move(module), now_ms}).first;
  }
  known->second.last_used_ms = now_ms;
  // At once, lest the next file of the same process takes its place.
  known->second.module->last_used_ms = now_ms;
  return known->second.module;
}

std::shared_ptr<UnwindModule> UnwindModules::read(uint32_t pid, const Mapping& mapping,
                                                  const std::string& file, uint64_t now_ms) {
  std::optional<ElfFile> opened =
      mapping.path == "[vdso]" ? ElfFile::open(copyVdso()) : openMapped(pid, mapping);
  if (!opened || !opened->isNative() || opened->segments().empty()) return nullptr;
  auto elf = std::make_shared<const ElfFile>(std::move(*opened));
  std::string content = elf->buildId().empty() ? file : elf->buildId();
  std::shared_ptr<UnwindModule>& module = by_content_[content];
  if (module && !mayRetry(*module, now_ms)) return module;
  module = std::make_shared<UnwindModule>();
  module->segments = elf->segments();
  module->last_used_ms = now_ms;
  std::optional<ElfRange> frames = elf->findSectionRange(".eh_frame");
  bool is_large = frames && frames->bytes > large_file_bytes_;
  if (is_large) module->index = UnwindIndex::open(elf);
  if (module->index)
    storeIndex(module.get(), now_ms);
  else
    store(readUnwindRows(*elf), module.get(), now_ms);
  return module;
}

void UnwindModules::store(const UnwindRows& rows, UnwindModule* module, uint64_t now_ms) {
  if (rows.is_too_large) {
    refused_++;
    return;
  }
  if (rows.rows.empty()) return;
  module->base = rows.base;
  std::vector<TreeRow> level;
  level.reserve(rows.rows.size());
  for (const UnwindRow& row : rows.rows) level.push_back(rowOf(row));
  if (!makeRoom(pagesOfTree(level.size()), now_ms) || !writeTree(std::move(level), 1, module))
    refuse(module, now_ms);
}

void UnwindModules::storeIndex(UnwindModule* module, uint64_t now_ms) {
  module->base = module->index->base();
  module->part_pages.assign(module->index->size(), BUNSEN_UNWIND_ABSENT_PAGE);
  std::vector<TreeRow> level;
  bunsen_unwind_value absent;
  absent.page = BUNSEN_UNWIND_ABSENT_PAGE;
  for (size_t part = 0; part < module->index->size(); part++)
    level.push_back({module->index->start(part), absent});
  if (!makeRoom(pagesOfTree(level.size()), now_ms) || !writeTree(std::move(level), 2, module))
    refuse(module, now_ms);
}

void UnwindModules::refuse(UnwindModule* module, uint64_t now_ms) {
  givePagesBack(module);
  module->index.reset();
  module->refused_until_ms = now_ms + kRefusedMs;
  refused_++;
}

// @param height of the level: 1 for rows
bool UnwindModules::writeTree(std::vector<TreeRow> level, uint32_t height, UnwindModule* module) {
  for (; height <= BUNSEN_UNWIND_MAX_HEIGHT; height++) {
    std::vector<TreeRow> above;
    for (size_t first = 0; first < level.size(); first += kRowsPerPage) {
      bunsen_unwind_value id;
      id.page = takePage();
      module->pages.push_back(id.page);
      size_t end = std::min(first + kRowsPerPage, level.size());
      if (!store_->writePage(id.page, makePage(&level[first], end - first))) return false;
      above.push_back({level[first].start, id});
    }
    if (above.size() == 1) {
      module->root = above[0].value.page;
      module->height = height;
      return true;
    }
    level = std::move(above);
  }
  return false;
}

void UnwindModules::readPart(UnwindModule* module, uint64_t from_base, uint64_t now_ms) {
  std::optional<size_t> part = module->index ? module->index->find(from_base) : std::nullopt;
  if (!part || module->part_pages[*part] != BUNSEN_UNWIND_ABSENT_PAGE) return;
  module->last_used_ms = now_ms;
  if (module->parts_read == kMaxParts || !makeRoom(1, now_ms)) {
    if (module->parts_read == 0) return;
    dropParts(module);
  }
  std::vector<TreeRow> level;
  for (const UnwindRow& row : module->index->read(*part).rows) level.push_back(rowOf(row));
  uint32_t page = takePage();
  module->pages.push_back(page);
  module->parts_read++;
  parts_read_++;
  // The rows first: once the page above says where they are, a walk may be there.
  if (!store_->writePage(page, makePage(level.data(), level.size()))) return;
  module->part_pages[*part] = page;
  writePartsOf(module, *part / kRowsPerPage);
}

// Writes the page that says where the parts' rows are. A walk that reads it meanwhile sees the one
// word that changes before or after.
void UnwindModules::writePartsOf(UnwindModule* module, size_t inner_page) {
  size_t first = inner_page * kRowsPerPage;
  size_t end = std::min(first + kRowsPerPage, module->part_pages.size());
  std::vector<TreeRow> level;
  for (size_t part = first; part < end; part++) {
    bunsen_unwind_value value;
    value.page = module->part_pages[part];
    level.push_back({module->index->start(part), value});
  }
  store_->writePage(module->pages[inner_page], makePage(level.data(), level.size()));
}

void UnwindModules::dropParts(UnwindModule* module) {
  size_t inner_pages = (module->part_pages.size() + kRowsPerPage - 1) / kRowsPerPage;
  std::fill(module->part_pages.begin(), module->part_pages.end(), BUNSEN_UNWIND_ABSENT_PAGE);
  for (size_t page = 0; page < inner_pages; page++) writePartsOf(module, page);
  store_->waitForWalks();
  auto first_part = module->pages.end() - static_cast<ptrdiff_t>(module->parts_read);
  free_pages_.insert(free_pages_.end(), first_part, module->pages.end());
  module->pages.erase(first_part, module->pages.end());
  module->parts_read = 0;
  evicted_++;
}

bool UnwindModules::makeRoom(size_t pages, uint64_t now_ms) {
  auto room = [this] { return store_->pageLimit() - usedPages(); };
  if (pages <= room()) return true;

  std::vector<UnwindModule*> unused;
  size_t reclaimable = room();
  for (auto& [content, module] : by_content_)
    if (!module->pages.empty() && now_ms - module->last_used_ms >= kMinUnusedMs) {
      unused.push_back(module.get());
      reclaimable += module->pages.size();
    }
  if (pages > reclaimable) return false;

  std::sort(unused.begin(), unused.end(), [](const UnwindModule* left, const UnwindModule* right) {
    return left->last_used_ms < right->last_used_ms;
  });
  size_t chosen = 0;
  for (size_t free = room(); free < pages; chosen++) free += unused[chosen]->pages.size();
  unused.resize(chosen);
  for (UnwindModule* module : unused) release_(module);
  store_->waitForWalks();
  for (UnwindModule* module : unused) {
    givePagesBack(module);
    evicted_++;
  }
  auto is_evicted = [&unused](const std::shared_ptr<UnwindModule>& module) {
    return std::find(unused.begin(), unused.end(), module.get()) != unused.end();
  };
  for (auto entry = by_file_.begin(); entry != by_file_.end();)
    entry = is_evicted(entry->second.module) ? by_file_.erase(entry) : std::next(entry);
  for (auto entry = by_content_.begin(); entry != by_content_.end();)
    entry = is_evicted(entry->second) ? by_content_.erase(entry) : std::next(entry);
  return true;
}

uint32_t UnwindModules::takePage() {
  if (free_pages_.empty()) return next_page_++;
  uint32_t page = free_pages_.back();
  free_pages_.pop_back();
  return page;
}

void UnwindModules::givePagesBack(UnwindModule* module) {
  free_pages_.insert(free_pages_.end(), module->pages.begin(), module->pages.end());
  module->pages.clear();
  module->part_pages.clear();
  module->parts_read = 0;
  module->root = module->height = 0;
}

void UnwindModules::forgetUnused(uint64_t now_ms) {
  for (auto entry = by_file_.begin(); entry != by_file_.end();)
    entry = now_ms - entry->second.last_used_ms > kForgetFileMs ? by_file_.erase(entry)
                                                                : std::next(entry);
  for (auto entry = by_content_.begin(); entry != by_content_.end();)
    entry = entry->second.use_count() == 1 && entry->second->pages.empty()
                ? by_content_.erase(entry)
                : std::next(entry);
}

}  // namespace bunsen
