#include "unwind_tables.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <set>

#include "check.h"
#include "memory_store.h"
#include "proc_files.h"

using namespace bunsen;
using namespace bunsen::test;

namespace {

// Maps the file's first executable page, as dlopen would.
class MappedLibrary {
 public:
  explicit MappedLibrary(const char* path) {
    UniqueFd fd(open(path, O_RDONLY));
    std::optional<ElfFile> file = ElfFile::open(UniqueFd(dup(fd.get())));
    if (!file) throw Skip{std::string("no ") + path};
    const ElfSegment& code = file->segments().at(0);
    bytes_ = (code.file_bytes + 4095) / 4096 * 4096;
    at_ = mmap(nullptr, bytes_, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd.get(),
               static_cast<off_t>(code.file_offset / 4096 * 4096));
    CHECK(at_ != MAP_FAILED);
  }
  MappedLibrary(const MappedLibrary&) = delete;
  ~MappedLibrary() { munmap(at_, bytes_); }

  uint64_t start() const { return reinterpret_cast<uint64_t>(at_); }

 private:
  void* at_;
  size_t bytes_;
};

constexpr char kLibrary[] = "/usr/lib/x86_64-linux-gnu/libcrypto.so.3";

const bunsen_unwind_mapping* find(const bunsen_unwind_process& process, uint64_t start) {
  for (const auto& mapping : process.mapping)
    if (mapping.start == start) return &mapping;
  return nullptr;
}

}  // namespace

TEST("unwind tables: mappings are by address, what is unused stands at the end") {
  MemoryStore store;
  UnwindTables tables(&store);
  tables.read(ownProcess(), 0);
  const bunsen_unwind_process& process = store.process(ownProcess());
  bool in_order = true;
  for (size_t i = 1; i < BUNSEN_UNWIND_MAX_MAPPINGS; i++)
    in_order = in_order && process.mapping[i - 1].start <= process.mapping[i].start;
  CHECK(in_order);
  CHECK_EQ(process.mapping[BUNSEN_UNWIND_MAX_MAPPINGS - 1].start, BUNSEN_UNWIND_NO_MAPPING);
  CHECK_EQ(process.is_partial, 0u);
  CHECK_EQ(tables.figures().table_bytes, store.pages.size() * sizeof(bunsen_unwind_page));
}

TEST("unwind tables: a file that ended with its process is read by way of the next one") {
  MappedLibrary library(kLibrary);
  std::string maps;
  readWholeFile("/proc/self/maps", &maps);
  pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  MemoryStore store;
  UnwindModules modules(&store, UnwindModules::kLargeFileBytes, [](const UnwindModule*) {});
  for (const Mapping& mapping : parseMappings(maps)) {
    if (mapping.start != library.start()) continue;
    CHECK(!modules.open(static_cast<uint32_t>(child), mapping, 0));
    std::shared_ptr<UnwindModule> module =
        modules.open(static_cast<uint32_t>(getpid()), mapping, 1);
    CHECK(module && module->height > 0);
    return;
  }
  CHECK(!"the library is not among the mappings");
}

TEST("unwind tables: a library that comes and goes is met at the next reading") {
  MemoryStore store;
  UnwindTables tables(&store);
  tables.read(ownProcess(), 0);
  MappedLibrary library(kLibrary);
  tables.read(ownProcess(), UnwindTables::kMinRereadMs - 1);
  CHECK(!find(store.process(ownProcess()), library.start()));
  uint32_t serial = store.process(ownProcess()).serial;
  tables.read(ownProcess(), UnwindTables::kMinRereadMs);
  const bunsen_unwind_mapping* mapping = find(store.process(ownProcess()), library.start());
  CHECK(mapping && mapping->height > 0);
  CHECK(store.process(ownProcess()).serial != serial);
  uint64_t pages = store.pages.size();
  MappedLibrary again(kLibrary);
  tables.read(ownProcess(), 1'000);
  CHECK(find(store.process(ownProcess()), again.start()) != nullptr);
  CHECK_EQ(store.pages.size(), pages);
}

TEST("unwind tables: mappings that do not change are read less and less often") {
  MemoryStore store;
  UnwindTables tables(&store);
  for (uint64_t now_ms = 0; now_ms < 60'000; now_ms += 10) tables.read(ownProcess(), now_ms);
  uint64_t reads = tables.figures().reads;
  CHECK(reads > 60'000 / UnwindTables::kMaxRereadMs);
  CHECK(reads < 60'000 / UnwindTables::kMaxRereadMs + 12);
}

TEST("unwind tables: a full pool gives up what was not used lately, and nothing else") {
  MemoryStore store;
  UnwindTables tables(&store);
  tables.read(ownProcess(), 0);
  size_t own_pages = store.pages.size();
  {
    MappedLibrary library(kLibrary);
    store.page_limit = static_cast<uint32_t>(own_pages + 5);
    tables.read(ownProcess(), 1'000);
    CHECK_EQ(find(store.process(ownProcess()), library.start())->height, 0u);
    CHECK_EQ(tables.figures().refused, 1u);
    store.page_limit = 100'000;
    uint64_t later = 1'000 + UnwindModules::kRefusedMs;
    tables.read(ownProcess(), later);
    CHECK(find(store.process(ownProcess()), library.start())->height > 0);
    store.page_limit = static_cast<uint32_t>(store.pages.size());
  }
  tables.read(ownProcess(), 80'000);  // without the library

  MappedLibrary other("/usr/bin/perl");
  tables.read(ownProcess(), 90'000);
  CHECK_EQ(find(store.process(ownProcess()), other.start())->height, 0u);
  CHECK_EQ(tables.figures().evicted, 0u);
  tables.read(ownProcess(), 90'000 + UnwindModules::kRefusedMs);
  CHECK(find(store.process(ownProcess()), other.start())->height > 0);
  CHECK_EQ(tables.figures().evicted, 1u);
  CHECK_EQ(store.waits, 1u);
  CHECK(tables.figures().table_bytes / sizeof(bunsen_unwind_page) <= store.page_limit);
}

TEST("unwind tables: who uses pages that are given away is forgotten first") {
  MemoryStore store;
  UnwindTables tables(&store);
  pid_t child;
  {
    MappedLibrary library(kLibrary);
    child = fork();
    if (child == 0) {
      pause();
      _exit(0);
    }
  }
  tables.read(processOf(child), 0);
  store.page_limit = static_cast<uint32_t>(store.pages.size());
  tables.read(ownProcess(), 40'000);
  CHECK(store.has(processOf(child)));
  MappedLibrary other("/usr/bin/perl");
  tables.read(ownProcess(), 41'000);
  CHECK_EQ(tables.figures().evicted, 1u);
  CHECK(!store.has(processOf(child)));
  CHECK(store.has(ownProcess()));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

TEST("unwind tables: as many processes as there is room for, the latest sampled stay") {
  MemoryStore store;
  store.process_limit = 2;
  UnwindTables tables(&store);
  std::vector<pid_t> children;
  for (uint64_t i = 0; i < 3; i++) {
    pid_t child = fork();
    if (child == 0) {
      pause();
      _exit(0);
    }
    children.push_back(child);
    tables.read(processOf(child), i);
    tables.use(processOf(children[0]), i + 10);
  }
  CHECK(store.has(processOf(children[0])));
  CHECK(!store.has(processOf(children[1])));
  CHECK(store.has(processOf(children[2])));
  for (pid_t child : children) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  bunsen_process_key gone = processOf(getpid());
  gone.start_boottime_ns -= 1'000'000'000;
  tables.read(gone, 100);
  CHECK(!store.has(gone));
}
