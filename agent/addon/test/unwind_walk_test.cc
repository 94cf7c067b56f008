// Runs the sampler's unwinder in user space: over snapshots of this program's own stack, and over
// damaged ones.
#include <dlfcn.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <thread>

#include "check.h"
#include "memory_store.h"
#include "proc_files.h"
#include "unwind_step.h"
#include "unwind_tables.h"

using namespace bunsen;
using namespace bunsen::test;

namespace {

struct Snapshot {
  bunsen_unwind_state registers = {};
  uint64_t stack_start = 0;
  std::string stack;
};

// What the unwinder sees: it takes no context of its own, as in BPF.
const MemoryStore* walked_store = nullptr;
const Snapshot* walked_snapshot = nullptr;

Snapshot snapshot;  // the last one taken

// Returns the words from here to there. All of a stack, and AddressSanitizer keeps parts of it
// locked, also for memcpy.
__attribute__((no_sanitize("address"))) std::string copyStack(uint64_t from, uint64_t to) {
  std::string copy((to - from) / 8 * 8, '\0');
  auto* into = reinterpret_cast<volatile uint64_t*>(copy.data());
  for (uint64_t at = from; at + 8 <= to; at += 8)
    *into++ = *reinterpret_cast<const volatile uint64_t*>(at);
  return copy;
}

// Keeps the registers of the call, and the stack above.
__attribute__((noinline)) void keep(const ucontext_t& context) {
  const greg_t* registers = context.uc_mcontext.gregs;
  snapshot = {};
  snapshot.registers.pc = static_cast<uint64_t>(registers[REG_RIP]);
  snapshot.registers.sp = static_cast<uint64_t>(registers[REG_RSP]);
  snapshot.registers.bp = static_cast<uint64_t>(registers[REG_RBP]);
  snapshot.registers.bx = static_cast<uint64_t>(registers[REG_RBX]);
  snapshot.registers.r10 = static_cast<uint64_t>(registers[REG_R10]);
  snapshot.registers.is_exact = 1;
  snapshot.registers.is_leaf = 1;
  pthread_attr_t attributes;
  void* lowest;
  size_t bytes;
  pthread_getattr_np(pthread_self(), &attributes);
  pthread_attr_getstack(&attributes, &lowest, &bytes);
  pthread_attr_destroy(&attributes);
  snapshot.stack_start = snapshot.registers.sp;
  snapshot.stack = copyStack(snapshot.registers.sp, reinterpret_cast<uint64_t>(lowest) + bytes);
}

void keepAtSignal(int, siginfo_t*, void* context) { keep(*static_cast<ucontext_t*>(context)); }

// Stops here: at an instruction, as the sampler does.
__attribute__((noinline)) void keepHere() {
  struct sigaction action = {}, before;
  action.sa_sigaction = keepAtSignal;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGUSR1, &action, &before);
  raise(SIGUSR1);
  sigaction(SIGUSR1, &before, nullptr);
}

struct Walked {
  std::vector<std::string> names;  // leaf first
  bunsen_unwind_end end = BUNSEN_UNWIND_GOES_ON;
  size_t by_pointer = 0;
  bunsen_unwind_state last = {};  // of the frame at which it ended

  bool has(const char* name) const {
    return std::find(names.begin(), names.end(), name) != names.end();
  }
};

}  // namespace

BUNSEN_INLINE const bunsen_unwind_page* bunsen_unwind_page_at(__u32 id) {
  auto page = walked_store->pages.find(id);
  return page == walked_store->pages.end() ? nullptr : &page->second;
}

BUNSEN_INLINE long bunsen_unwind_read(__u64* word, __u64 address) {
  const Snapshot& from = *walked_snapshot;
  uint64_t at = address - from.stack_start;
  if (address < from.stack_start || from.stack.size() < 8 || at > from.stack.size() - 8) return -1;
  memcpy(word, from.stack.data() + at, 8);
  return 0;
}

namespace {

Walked walk(const Snapshot& from, const MemoryStore& store, const bunsen_unwind_process& process,
            bunsen_unwind_cache* cache) {
  walked_snapshot = &from;
  walked_store = &store;
  Walked walked;
  bunsen_unwind_state& state = walked.last;
  state = from.registers;
  for (int depth = 0; depth < BUNSEN_MAX_FRAMES && !walked.end; depth++) {
    Dl_info info = {};
    bool known = dladdr(reinterpret_cast<void*>(state.pc - !state.is_exact), &info);
    walked.names.push_back(known && info.dli_sname ? info.dli_sname : "?");
    walked.end = bunsen_unwind_step(&process, cache, &state, 0);
    walked.by_pointer += state.used_frame_pointer && !walked.end;
  }
  return walked;
}

Walked walk(const Snapshot& from, const MemoryStore& store, const bunsen_unwind_process& process) {
  auto cache = std::make_unique<bunsen_unwind_cache>();
  return walk(from, store, process, cache.get());
}

// Walks the last snapshot with tables of this process.
Walked walkOwn() {
  MemoryStore store;
  UnwindTables tables(&store);
  tables.read(ownProcess(), 0);
  return walk(snapshot, store, store.process(ownProcess()));
}

}  // namespace

// Found by dladdr through the dynamic symbol table, hence not static.
#define SHOWN extern "C" __attribute__((visibility("default"), noinline, noclone))
#define WITHOUT_POINTER __attribute__((optimize("omit-frame-pointer")))

SHOWN WITHOUT_POINTER int walk_test_recurse(int depth, volatile int* sum) {
  volatile char frame[100];
  frame[depth % 100] = 1;
  if (depth == 0)
    keepHere();
  else
    *sum += walk_test_recurse(depth - 1, sum) + frame[depth % 100];
  return *sum;
}

SHOWN WITHOUT_POINTER int walk_test_compare(const void*, const void*) {
  keepHere();
  return 0;
}

// Its frame has a size known only when it runs, so that it is found by rbp.
SHOWN WITHOUT_POINTER void walk_test_alloca(size_t bytes) {
  auto* memory = static_cast<volatile char*>(alloca(bytes));
  memory[bytes / 2] = 1;
  keepHere();
  memory[bytes / 2] = 2;
}

// Its stack is realigned: the frame is found through memory.
SHOWN WITHOUT_POINTER __attribute__((force_align_arg_pointer)) void walk_test_realigned(size_t n) {
  alignas(64) volatile char aligned[64] = {};
  auto* memory = static_cast<volatile char*>(alloca(n));
  memory[0] = aligned[n % 64];
  keepHere();
  memory[0] = aligned[0];
}

SHOWN WITHOUT_POINTER void walk_test_handler(int) {
  keepHere();
  asm volatile("");  // no tail call, which would take this frame away
}

SHOWN WITHOUT_POINTER void walk_test_catch() {
  try {
    throw std::runtime_error("thrown");
  } catch (const std::runtime_error&) {
    keepHere();
  }
}

struct KeepsInDestructor {
  ~KeepsInDestructor() { keepHere(); }
};

// While the exception passes, the C++ runtime stands on the stack.
SHOWN WITHOUT_POINTER void walk_test_unwinding() {
  KeepsInDestructor keeps;
  throw std::runtime_error("passes");
}

TEST("unwind walk: recursion without frame pointers, to the start") {
  volatile int sum = 0;
  walk_test_recurse(20, &sum);
  Walked walked = walkOwn();
  CHECK_EQ(int{walked.end}, int{BUNSEN_UNWIND_COMPLETE});
  CHECK_EQ(std::count(walked.names.begin(), walked.names.end(), "walk_test_recurse"), 21);
  CHECK(walked.has("main"));
  CHECK_EQ(walked.names.back(), "_start");
  CHECK_EQ(walked.by_pointer, 0u);
}

TEST("unwind walk: through the C library, which has no frame pointers") {
  int numbers[] = {3, 1, 2};
  qsort(numbers, 3, sizeof(int), walk_test_compare);
  Walked walked = walkOwn();
  CHECK_EQ(int{walked.end}, int{BUNSEN_UNWIND_COMPLETE});
  CHECK(walked.has("walk_test_compare"));
  CHECK(walked.has("qsort_r"));
  CHECK_EQ(walked.names.back(), "_start");
}

TEST("unwind walk: frames of unknown size, and realigned stacks") {
  walk_test_alloca(1000);
  Walked walked = walkOwn();
  CHECK_EQ(int{walked.end}, int{BUNSEN_UNWIND_COMPLETE});
  CHECK(walked.has("walk_test_alloca"));
  CHECK_EQ(walked.names.back(), "_start");
  walk_test_realigned(100);
  walked = walkOwn();
  CHECK_EQ(int{walked.end}, int{BUNSEN_UNWIND_COMPLETE});
  CHECK(walked.has("walk_test_realigned"));
  CHECK(walked.has("main"));
}

TEST("unwind walk: across a signal handler, into what it interrupted") {
  struct sigaction action = {}, before;
  action.sa_handler = walk_test_handler;
  sigaction(SIGUSR2, &action, &before);
  raise(SIGUSR2);
  sigaction(SIGUSR2, &before, nullptr);
  Walked walked = walkOwn();
  CHECK_EQ(int{walked.end}, int{BUNSEN_UNWIND_COMPLETE});
  auto handler = std::find(walked.names.begin(), walked.names.end(), "walk_test_handler");
  CHECK(handler != walked.names.end());
  auto isRaise = [](const std::string& name) { return name == "raise" || name == "gsignal"; };
  CHECK(std::any_of(handler, walked.names.end(), isRaise));
  CHECK_EQ(walked.names.back(), "_start");
}

TEST("unwind walk: while an exception is caught, and while it passes") {
  walk_test_catch();
  Walked walked = walkOwn();
  CHECK_EQ(int{walked.end}, int{BUNSEN_UNWIND_COMPLETE});
  CHECK(walked.has("walk_test_catch"));
  try {
    walk_test_unwinding();
  } catch (const std::runtime_error&) {
  }
  walked = walkOwn();
  CHECK_EQ(int{walked.end}, int{BUNSEN_UNWIND_COMPLETE});
  CHECK(walked.has("walk_test_unwinding"));
  CHECK_EQ(walked.names.back(), "_start");
}

TEST("unwind walk: a thread's stack ends at clone") {
  std::thread([] {
    volatile int sum = 0;
    walk_test_recurse(3, &sum);
  }).join();
  Walked walked = walkOwn();
  CHECK_EQ(int{walked.end}, int{BUNSEN_UNWIND_COMPLETE});
  CHECK(walked.has("walk_test_recurse"));
  CHECK(walked.names.back() == "__clone" || walked.names.back() == "clone" ||
        walked.names.back() == "?");  // clone3 is not exported
}

TEST("unwind walk: the vdso has rows") {
  MemoryStore store;
  UnwindTables tables(&store);
  tables.read(ownProcess(), 0);
  std::string maps;
  readWholeFile("/proc/self/maps", &maps);
  for (const Mapping& mapping : parseMappings(maps)) {
    if (mapping.path != "[vdso]") continue;
    for (const auto& known : store.process(ownProcess()).mapping)
      if (known.start == mapping.start) {
        CHECK(known.height > 0);
        return;
      }
    CHECK(false);
  }
  throw Skip{"no vdso here"};
}

TEST("unwind walk: code without rows is left by its frame pointer") {
  MemoryStore store;
  bunsen_unwind_process process = {};
  for (auto& mapping : process.mapping) mapping.start = BUNSEN_UNWIND_NO_MAPPING;
  process.mapping[0].start = 0x1000;
  process.mapping[0].pages = 1;
  // The frame at 0x9008 was called from 0x1100; its caller's, at 0x9018, from nowhere.
  uint64_t words[] = {0, 0x9018, 0x1100, 0, 0};
  Snapshot made;
  made.registers.pc = 0x1050;
  made.registers.sp = 0x9000;
  made.registers.bp = 0x9008;
  made.registers.is_exact = made.registers.is_leaf = 1;
  made.stack_start = 0x9000;
  made.stack.assign(reinterpret_cast<const char*>(words), sizeof(words));
  Walked walked = walk(made, store, process);
  CHECK_EQ(int{walked.end}, int{BUNSEN_UNWIND_COMPLETE});
  CHECK_EQ(walked.names.size(), 2u);
  made.registers.bp = 0x8ff8;  // below the stack
  CHECK_EQ(int{walk(made, store, process).end}, int{BUNSEN_UNWIND_BAD_POINTER});
  made.registers.bp = 0x9001;
  CHECK_EQ(int{walk(made, store, process).end}, int{BUNSEN_UNWIND_BAD_POINTER});
  made.registers.bp = 0xa000;
  CHECK_EQ(int{walk(made, store, process).end}, int{BUNSEN_UNWIND_READ_FAILED});
  made.registers.pc = 0x3000;
  CHECK_EQ(int{walk(made, store, process).end}, int{BUNSEN_UNWIND_UNMAPPED});
  process.is_partial = 1;
  CHECK_EQ(int{walk(made, store, process).end}, int{BUNSEN_UNWIND_READ_FAILED});
}

TEST("unwind walk: in Go's code the frame pointer may lead to a stack below") {
  uint64_t words[] = {0, 0, 0x8030, 0x1100, 0, 0, 0, 0};
  Snapshot made;
  made.stack_start = 0x8000;
  made.stack.assign(reinterpret_cast<const char*>(words), sizeof(words));
  walked_snapshot = &made;
  bunsen_unwind_state state = {};
  state.pc = 0x1050;
  state.sp = 0x9000;
  state.bp = 0x8010;
  bunsen_unwind_state before = state;
  bunsen_unwind_value value;
  value.rule = {0, 0, BUNSEN_CFA_NONE, 0};
  CHECK_EQ(bunsen_unwind_leave(&state, value.page), int{BUNSEN_UNWIND_BAD_POINTER});
  state = before;
  value.rule.cfa = BUNSEN_CFA_GO;
  CHECK_EQ(bunsen_unwind_leave(&state, value.page), int{BUNSEN_UNWIND_GOES_ON});
  CHECK_EQ(state.pc, 0x1100u);
  CHECK_EQ(state.sp, 0x8020u);
  CHECK_EQ(bunsen_unwind_leave(&state, value.page), int{BUNSEN_UNWIND_COMPLETE});
}

TEST("unwind walk: rules found before are used again, but not for another state of the mappings") {
  volatile int sum = 0;
  walk_test_recurse(20, &sum);
  MemoryStore store;
  UnwindTables tables(&store);
  tables.read(ownProcess(), 0);
  bunsen_unwind_process process = store.process(ownProcess());
  CHECK(process.serial != 0);
  auto cache = std::make_unique<bunsen_unwind_cache>();
  Walked first = walk(snapshot, store, process, cache.get());
  CHECK_EQ(int{first.end}, int{BUNSEN_UNWIND_COMPLETE});
  MemoryStore empty;
  Walked again = walk(snapshot, empty, process, cache.get());
  CHECK_EQ(int{again.end}, int{BUNSEN_UNWIND_COMPLETE});
  CHECK(again.names == first.names);
  process.serial++;
  CHECK(int{walk(snapshot, empty, process, cache.get()).end} != int{BUNSEN_UNWIND_COMPLETE});
}

TEST(
    "unwind walk: rows of large files come when a walk meets them, and go when they are too many") {
  volatile int sum = 0;
  walk_test_recurse(20, &sum);
  MemoryStore store;
  UnwindTables tables(&store, 0);  // every file is large
  tables.read(ownProcess(), 0);
  const bunsen_unwind_process& process = store.process(ownProcess());
  Walked walked = walk(snapshot, store, process);
  CHECK_EQ(int{walked.end}, int{BUNSEN_UNWIND_ABSENT});
  size_t reads = 0;
  auto cache = std::make_unique<bunsen_unwind_cache>();
  for (; walked.end == BUNSEN_UNWIND_ABSENT && reads < 20; reads++) {
    tables.readPart(ownProcess(), bunsen_unwind_address(&walked.last), 0);
    walked = walk(snapshot, store, process, cache.get());
  }
  CHECK_EQ(int{walked.end}, int{BUNSEN_UNWIND_COMPLETE});
  CHECK_EQ(walked.names.back(), "_start");
  CHECK(reads > 2 && reads < 20);
  CHECK_EQ(tables.figures().parts_read, reads);

  // Of libc, whose rows are read at every 512th byte; this needs more parts than are kept.
  const bunsen_unwind_mapping* libc = nullptr;
  for (const auto& mapping : process.mapping)
    if (mapping.start <= reinterpret_cast<uint64_t>(&qsort) &&
        reinterpret_cast<uint64_t>(&qsort) - mapping.start < uint64_t{mapping.pages} * 4096)
      libc = &mapping;
  CHECK(libc && libc->height > 1);
  store.page_limit = static_cast<uint32_t>(store.pages.size()) + 4;
  for (uint64_t at = 0; at < uint64_t{libc->pages} * 4096; at += 512)
    tables.readPart(ownProcess(), libc->start + at, 0);
  CHECK(tables.figures().evicted > 0);
  CHECK(tables.figures().table_bytes / sizeof(bunsen_unwind_page) <= store.page_limit);
  CHECK(store.waits > 0);
  walked = walk(snapshot, store, process);
  CHECK(walked.end == BUNSEN_UNWIND_ABSENT || walked.end == BUNSEN_UNWIND_COMPLETE);
}

TEST("unwind walk: damaged stacks, registers and tables end the walk, whatever they hold") {
  volatile int sum = 0;
  walk_test_recurse(20, &sum);
  MemoryStore store;
  UnwindTables tables(&store);
  tables.read(ownProcess(), 0);
  const bunsen_unwind_process process = store.process(ownProcess());
  std::mt19937_64 random(4);
  std::map<int, size_t> ends;
  auto words = [&random](const void* from, size_t bytes) {
    // Half of all damage is a value that occurs elsewhere, and so leads somewhere.
    uint64_t value = random();
    if (random() % 2) memcpy(&value, static_cast<const char*>(from) + random() % (bytes - 8), 8);
    return value;
  };
  for (int round = 0; round < 20'000; round++) {
    Snapshot damaged = snapshot;
    for (uint64_t n = random() % 8; n > 0; n--) {
      uint64_t value = words(damaged.stack.data(), damaged.stack.size());
      memcpy(damaged.stack.data() + random() % (damaged.stack.size() - 8), &value, 8);
    }
    if (random() % 4 == 0) damaged.stack.resize(random() % damaged.stack.size());
    if (random() % 4 == 0) damaged.registers.bp = words(&snapshot.registers, 40);
    if (random() % 8 == 0) damaged.registers.pc = words(&snapshot.registers, 40);
    if (random() % 8 == 0) damaged.registers.sp = words(&snapshot.registers, 40);
    bunsen_unwind_process changed = process;
    if (random() % 4 == 0)
      reinterpret_cast<unsigned char*>(&changed)[random() % 400] =
          static_cast<unsigned char>(random());
    ends[walk(damaged, store, changed).end]++;
  }
  CHECK(ends[BUNSEN_UNWIND_COMPLETE] > 0);
  CHECK(ends[BUNSEN_UNWIND_UNMAPPED] > 0);
  CHECK(ends[BUNSEN_UNWIND_READ_FAILED] > 0);
  CHECK(ends[BUNSEN_UNWIND_BAD_FRAME] + ends[BUNSEN_UNWIND_BAD_POINTER] > 0);

  for (int round = 0; round < 300; round++) {
    MemoryStore changed = store;
    for (auto& [id, page] : changed.pages)
      for (int n = 0; n < 64; n++) {
        auto value = static_cast<uint32_t>(random());
        memcpy(reinterpret_cast<char*>(&page) + random() % (sizeof(page) - 4), &value, 4);
      }
    walk(snapshot, changed, process);
  }
}
