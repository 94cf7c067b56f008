#include "unwind_rows.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include "cfi_section.h"
#include "check.h"
#include "elf_image.h"
#include "unwind_index.h"

using namespace bunsen;
using namespace bunsen::test;

namespace {

// What readelf says of one place in the code.
struct Expected {
  std::string cfa, rbx, rbp, return_address;
};

std::string textOf(const bunsen_unwind_rule& rule) {
  std::ostringstream text;
  text << "cfa " << int{rule.cfa} << " offset " << rule.offset << " rbp " << int{rule.rbp}
       << " rbx " << int{rule.rbx};
  return text.str();
}

// "c-16" is word 2; what readelf does not know it calls undefined, although the ABI says same.
int savedWord(const std::string& text, int limit) {
  if (text.empty() || text == "u" || text == "s") return BUNSEN_SAVED_SAME;
  if (text.rfind("c-", 0) != 0) return BUNSEN_SAVED_LOST;
  int bytes = atoi(text.c_str() + 2);
  return bytes % 8 == 0 && bytes >= 16 && bytes / 8 < limit ? bytes / 8 : BUNSEN_SAVED_LOST;
}

bool agrees(const bunsen_unwind_rule& rule, const Expected& expected, bool is_signal_frame) {
  if (is_signal_frame) return rule.cfa == BUNSEN_CFA_SIGNAL;
  if (expected.return_address == "u") return rule.cfa == BUNSEN_CFA_END;
  if (expected.return_address != "c-8") return rule.cfa == BUNSEN_CFA_UNKNOWN;
  bool is_expression = expected.cfa == "exp";
  if (is_expression) {
    if (rule.cfa == BUNSEN_CFA_UNKNOWN) return true;
    if (rule.cfa != BUNSEN_CFA_PLT && rule.cfa != BUNSEN_CFA_RSP_DEREF &&
        rule.cfa != BUNSEN_CFA_RBP_DEREF)
      return false;
  } else {
    static const std::map<std::string, int> kinds = {{"rsp", BUNSEN_CFA_RSP},
                                                     {"rbp", BUNSEN_CFA_RBP},
                                                     {"rbx", BUNSEN_CFA_RBX},
                                                     {"r10", BUNSEN_CFA_R10}};
    size_t end = expected.cfa.find_first_of("+-");
    auto kind = kinds.find(expected.cfa.substr(0, end));
    int offset = atoi(expected.cfa.c_str() + end);
    bool fits = kind != kinds.end() && offset % 8 == 0 && offset / 8 == int16_t(offset / 8);
    if (!fits) return rule.cfa == BUNSEN_CFA_UNKNOWN;
    if (rule.cfa != kind->second || rule.offset * 8 != offset) return false;
  }
  if (rule.rbx != savedWord(expected.rbx, BUNSEN_SAVED_RBX_LIMIT)) return false;
  if (expected.rbp == "exp")
    return rule.rbp == BUNSEN_SAVED_AT_RBP || rule.rbp == BUNSEN_SAVED_LOST;
  return rule.rbp == savedWord(expected.rbp, BUNSEN_SAVED_RBP_LIMIT);
}

// Compares every row that readelf prints with ours; returns how many.
size_t compareWithReadelf(const std::string& path) {
  auto file = ElfFile::open(UniqueFd(open(path.c_str(), O_RDONLY)));
  if (!file) throw Skip{"cannot read " + path};
  UnwindRows rows = readUnwindRows(*file);

  std::string command = "LC_ALL=C readelf -W --debug-dump=frames-interp " + path + " 2>/dev/null";
  FILE* readelf = popen(command.c_str(), "r");
  std::map<std::string, bool> signal_frames;  // by the common entry's offset
  std::vector<std::string> columns;
  std::map<uint64_t, Expected> function;
  uint64_t end = 0;
  bool is_function = false, is_signal_frame = false, in_eh_frame = false;
  size_t compared = 0, wrong = 0;
  auto compareFunction = [&] {
    for (const auto& [address, expected] : function) {
      bunsen_unwind_rule rule = rows.ruleAt(address);
      compared++;
      if (address >= end || agrees(rule, expected, is_signal_frame)) continue;
      if (wrong++ < 5)
        std::cerr << path << " 0x" << std::hex << address << std::dec << ": " << textOf(rule)
                  << ", readelf has cfa " << expected.cfa << " rbx " << expected.rbx << " rbp "
                  << expected.rbp << " ra " << expected.return_address << "\n";
    }
    function.clear();
  };
  char line[4096];
  while (fgets(line, sizeof(line), readelf)) {
    std::string text = line;
    std::istringstream words(text);
    std::string first;
    words >> first;
    if (text.rfind("Contents of the ", 0) == 0) in_eh_frame = text.find(".eh_frame") != text.npos;
    if (!in_eh_frame) continue;
    size_t common = text.find(" CIE \"");
    size_t entry = text.find(" FDE cie=");
    if (common != text.npos || entry != text.npos) compareFunction();
    if (common != text.npos) {
      is_function = false;
      signal_frames[first] =
          text.substr(common, text.find('"', common + 6) - common).find('S') != std::string::npos;
    } else if (entry != text.npos) {
      is_function = true;
      is_signal_frame = signal_frames[text.substr(entry + 9, 8)];
      end = strtoull(text.c_str() + text.find("..") + 2, nullptr, 16);
    } else if (first == "LOC") {
      columns.clear();
      for (std::string column; words >> column;) columns.push_back(column);
    } else if (is_function && first.size() == 16 &&
               first.find_first_not_of("0123456789abcdef") == std::string::npos) {
      Expected expected;
      std::string cell;
      for (const std::string& column : columns) {
        while (words >> cell && cell[0] == '(') continue;  // "r8 (r8)" is one cell
        if (column == "CFA") expected.cfa = cell;
        if (column == "rbx") expected.rbx = cell;
        if (column == "rbp") expected.rbp = cell;
        if (column == "ra") expected.return_address = cell;
      }
      function[strtoull(first.c_str(), nullptr, 16)] = expected;  // the last one on an address
    }
  }
  compareFunction();
  pclose(readelf);
  CHECK_EQ(wrong, 0u);
  return compared;
}

std::string run(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  char line[4096] = "";
  if (!fgets(line, sizeof(line), pipe)) line[0] = '\0';
  pclose(pipe);
  return std::string(line, strcspn(line, "\n"));
}

// The .eh_frame of this test program.
ElfSection ownSection() {
  auto file = ElfFile::open(UniqueFd(open("/proc/self/exe", O_RDONLY)));
  return file->readSection(".eh_frame").value_or(ElfSection{});
}

// Reads a section that may be anything to the last rule.
size_t exercise(const std::string& bytes, CfiFormat format) {
  size_t rules = 0;
  CfiSection section = parseCfiSection(bytes, 0x1000, format);
  for (const CfiFunction& function : section.functions) {
    const CfiCommon& common = section.commons[function.common];
    CfiRules initial = CfiProgram::initialRules(common);
    CfiProgram(common, initial)
        .run(function.instructions, function.start, [&](uint64_t, const CfiRules& each) {
          rules += each.encode(common.is_signal_frame).cfa != BUNSEN_CFA_NONE;
        });
  }
  return rules;
}

}  // namespace

TEST("unwind rows: as readelf has them, for programs and libraries of this host") {
  if (run("readelf --version").empty()) throw Skip{"no readelf: the rows are NOT CHECKED"};
  std::vector<std::string> files = {
      "/lib64/ld-linux-x86-64.so.2",
      "/lib/x86_64-linux-gnu/libc.so.6",
      "/lib/x86_64-linux-gnu/libm.so.6",
      "/lib/x86_64-linux-gnu/libgcc_s.so.1",
      "/lib/x86_64-linux-gnu/libpthread.so.0",
      "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
      "/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
      "/usr/lib/x86_64-linux-gnu/libssl.so.3",
      "/bin/bash",
      "/bin/ls",
      "/usr/bin/perl",
      "/usr/bin/openssl",
      "/usr/bin/git",
      "/usr/bin/python3",
      run("gcc -print-prog-name=cc1"),
  };
  size_t compared = 0;
  for (const std::string& path : files) {
    if (access(path.c_str(), R_OK) != 0) {
      std::cout << "      " << path << " is NOT HERE, its rows were not checked\n";
      continue;
    }
    size_t rows = compareWithReadelf(path);
    CHECK(rows > 0);
    compared++;
    std::cout << "      " << path << ": " << rows << " rows\n";
  }
  if (compared < 10) std::cout << "      fewer than ten files were checked\n";
}

TEST("unwind rows: signal frames, PLT, the outermost frame and a realigned stack are known") {
  std::map<int, size_t> kinds;
  for (const char* path : {"/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"}) {
    auto file = ElfFile::open(UniqueFd(open(path, O_RDONLY)));
    if (!file) throw Skip{std::string("no ") + path};
    for (const UnwindRow& row : readUnwindRows(*file).rows) kinds[row.rule.cfa]++;
  }
  for (int kind : {BUNSEN_CFA_RSP, BUNSEN_CFA_RBP, BUNSEN_CFA_RBX, BUNSEN_CFA_PLT,
                   BUNSEN_CFA_SIGNAL, BUNSEN_CFA_END})
    CHECK(kinds[kind] > 0);
}

TEST("unwind rows: read part by part they are the same") {
  size_t compared = 0;
  for (const std::string& path : {std::string("/lib/x86_64-linux-gnu/libc.so.6"),
                                  std::string("/usr/lib/x86_64-linux-gnu/libcrypto.so.3"),
                                  std::string("/usr/bin/perl"), run("gcc -print-prog-name=cc1")}) {
    auto opened = ElfFile::open(UniqueFd(open(path.c_str(), O_RDONLY)));
    if (!opened) continue;
    auto file = std::make_shared<const ElfFile>(std::move(*opened));
    UnwindRows all = readUnwindRows(*file);
    std::optional<UnwindIndex> index = UnwindIndex::open(file);
    CHECK(index && index->base() == all.base);
    std::vector<UnwindRows> parts(index->size());
    size_t wrong = 0;
    size_t unknown = 0;
    for (const UnwindRow& row : all.rows) {
      std::optional<size_t> part = index->find(row.start);
      if (!part) {
        wrong++;
        continue;
      }
      if (parts[*part].rows.empty()) parts[*part] = index->read(*part);
      bunsen_unwind_rule rule = parts[*part].ruleAt(all.base + row.start);
      if (memcmp(&rule, &row.rule, sizeof(rule)) == 0) continue;
      (rule.cfa == BUNSEN_CFA_UNKNOWN ? unknown : wrong)++;
    }
    CHECK_EQ(wrong, 0u);
    CHECK(index->size() > 1);
    // Parts with more rows than a page holds: gcc has some.
    CHECK(unknown <= all.rows.size() / 5000);
    compared++;
  }
  if (compared == 0) throw Skip{"none of the files is here"};
}

TEST("unwind rows: a damaged list of functions does no harm") {
  const char* path = "/usr/lib/x86_64-linux-gnu/libcrypto.so.3";
  std::ifstream file(path, std::ios::binary);
  std::string image((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (image.empty()) throw Skip{std::string("no ") + path};
  UniqueFd copy(memfd_create("damaged", MFD_CLOEXEC));
  CHECK_EQ(write(copy.get(), image.data(), image.size()), static_cast<ssize_t>(image.size()));
  auto openCopy = [&copy] {
    auto opened = ElfFile::open(UniqueFd(dup(copy.get())));
    return std::make_shared<const ElfFile>(std::move(*opened));
  };
  std::mt19937_64 random(5);
  for (const char* name : {".eh_frame_hdr", ".eh_frame"}) {
    ElfRange section = *openCopy()->findSectionRange(name);
    for (int round = 0; round < 40; round++) {
      uint64_t at = section.file_offset + random() % (round % 2 ? 200 : section.bytes - 8);
      uint64_t value = random() >> (random() % 64);
      CHECK_EQ(pwrite(copy.get(), &value, 8, static_cast<off_t>(at)), 8);
      std::optional<UnwindIndex> index = UnwindIndex::open(openCopy());
      for (size_t part = 0; index && part < index->size(); part += 1 + random() % 50)
        CHECK(index->read(part).rows.size() <= BUNSEN_UNWIND_PAGE_ROWS);
      CHECK_EQ(pwrite(copy.get(), &image[at], 8, static_cast<off_t>(at)), 8);
    }
  }
}

TEST("unwind rows: a compiler's .debug_frame says the same as its .eh_frame") {
  char folder[] = "/tmp/bunsen-debug-frame-XXXXXX";
  CHECK(mkdtemp(folder) != nullptr);
  std::string base = folder;
  auto build = [&](const char* flags, const char* out) {
    std::string command =
        "echo 'int f(int *); int g(int n) { int a[9]; return f(a) + a[n]; }' | "
        "gcc -O2 -c -x c - -g -o " +
        base + "/" + out + ".o " + flags + " && gcc -shared -nostdlib -o " + base + "/" + out +
        " " + base + "/" + out + ".o";
    return system(command.c_str()) == 0;
  };
  bool built = build("", "eh") && build("-fno-asynchronous-unwind-tables", "debug");
  std::map<std::string, UnwindRows> rows;
  for (const char* name : {"eh", "debug"})
    if (auto file = ElfFile::open(UniqueFd(open((base + "/" + name).c_str(), O_RDONLY)))) {
      CHECK_EQ(file->readSection(".debug_frame").has_value(), name[0] == 'd');
      rows[name] = readUnwindRows(*file);
    }
  CHECK_EQ(system(("rm -r " + base).c_str()), 0);
  if (!built) throw Skip{"no gcc"};
  // The eh file has a PLT besides, or not; the function's own rows end both.
  const auto& eh = rows["eh"].rows;
  const auto& debug = rows["debug"].rows;
  CHECK(debug.size() >= 4);
  CHECK(eh.size() >= debug.size());
  for (size_t back = 1; back <= debug.size() && back <= eh.size(); back++)
    CHECK_EQ(textOf(eh[eh.size() - back].rule), textOf(debug[debug.size() - back].rule));
}

TEST("unwind rows: truncated and damaged sections do no harm") {
  std::string section = ownSection().bytes.substr(0, 6000);
  CHECK(exercise(section, CfiFormat::kEhFrame) > 50);
  for (size_t length = 0; length < section.size(); length++)
    exercise(section.substr(0, length), CfiFormat::kEhFrame);
  std::mt19937_64 random(2);
  for (int round = 0; round < 5'000; round++) {
    std::string damaged = section;
    for (uint64_t n = 1 + random() % 16; n > 0; n--)
      damaged[random() % damaged.size()] = static_cast<char>(random() % 4 ? random() : 0xff);
    exercise(damaged, CfiFormat::kEhFrame);
    exercise(damaged, CfiFormat::kDebugFrame);
  }
}

TEST("unwind rows: a file that shrinks while it is read has fewer rows, or none") {
  std::string image;
  UniqueFd own(open("/lib/x86_64-linux-gnu/libgcc_s.so.1", O_RDONLY));
  if (!own) throw Skip{"no libgcc_s"};
  char buffer[65536];
  for (ssize_t got; (got = read(own.get(), buffer, sizeof(buffer))) > 0;)
    image.append(buffer, static_cast<size_t>(got));
  UniqueFd fd = makeFile(image);
  int same_file = fd.get();
  auto file = ElfFile::open(std::move(fd));
  CHECK(!readUnwindRows(*file).rows.empty());
  for (off_t length = static_cast<off_t>(image.size()); length > 0; length /= 2) {
    CHECK_EQ(ftruncate(same_file, length), 0);
    readUnwindRows(*file);
  }
  CHECK(readUnwindRows(*file).rows.empty());
}

TEST("unwind rows: headers that lie about sizes cost no memory") {
  std::string image;
  UniqueFd own(open("/lib/x86_64-linux-gnu/libgcc_s.so.1", O_RDONLY));
  if (!own) throw Skip{"no libgcc_s"};
  char buffer[65536];
  for (ssize_t got; (got = read(own.get(), buffer, sizeof(buffer))) > 0;)
    image.append(buffer, static_cast<size_t>(got));
  Elf64_Ehdr header;
  memcpy(&header, image.data(), sizeof(header));
  std::mt19937_64 random(3);
  for (int round = 0; round < 3'000; round++) {
    std::string damaged = image;
    size_t headers = header.e_shnum * sizeof(Elf64_Shdr);
    for (uint64_t n = 1 + random() % 8; n > 0; n--)
      damaged[header.e_shoff + random() % headers] = static_cast<char>(random());
    auto file = ElfFile::open(makeFile(damaged));
    if (file) readUnwindRows(*file);
  }
}

TEST("unwind rows: Go's code is left by frame pointers that may lead to another stack") {
  std::string frames(16, '\0');  // nothing is in it
  std::string code(0x40, 'x');
  auto rowsOf = [&](const std::vector<ImageSection>& sections) {
    return readUnwindRows(*ElfFile::open(makeFile(makeElfOfSections(sections))));
  };
  UnwindRows go =
      rowsOf({{".eh_frame", 0x9000, frames}, {".text", 0x1100, code}, {".gopclntab", 0, "x"}});
  CHECK_EQ(int{go.ruleAt(0x10ff).cfa}, int{BUNSEN_CFA_NONE});
  CHECK_EQ(int{go.ruleAt(0x1100).cfa}, int{BUNSEN_CFA_GO});
  CHECK_EQ(int{go.ruleAt(0x113f).cfa}, int{BUNSEN_CFA_GO});
  CHECK_EQ(int{go.ruleAt(0x1140).cfa}, int{BUNSEN_CFA_NONE});
  CHECK(rowsOf({{".eh_frame", 0x9000, frames}, {".text", 0x1100, code}}).rows.empty());
}
