#include "source_frames.h"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

#include "check.h"
#include "elf_image.h"
#include "line_process.h"

using namespace bunsen;
using namespace bunsen::test;

namespace {

std::string outputOf(const std::string& command) {
  std::string text;
  FILE* program = popen((command + " 2>/dev/null").c_str(), "r");
  char piece[4096];
  while (size_t got = fread(piece, 1, sizeof(piece), program)) text.append(piece, got);
  pclose(program);
  return text;
}

// "FUNCTION FILE:LINE", innermost first, as addr2line has them.
std::string textOf(const SourceFrames& frames) {
  std::string text;
  for (const SourceFrame& frame : frames)
    text += frame.function + ' ' + frame.file + ':' + std::to_string(frame.line) + '\n';
  return text;
}

std::string askAddr2line(const std::string& file, uint64_t address) {
  char number[32];
  snprintf(number, sizeof(number), "0x%lx", address);
  std::istringstream lines(outputOf("addr2line -i -f -e " + file + ' ' + number));
  std::string text, function, place;
  while (std::getline(lines, function) && std::getline(lines, place))
    text += function + ' ' + place.substr(0, place.find(" (")) + '\n';
  return text;
}

// Where the instructions of a function are.
std::vector<uint64_t> addressesOf(const std::string& file, const std::string& function) {
  std::istringstream lines(outputOf("objdump -d --disassemble=" + function + ' ' + file));
  std::vector<uint64_t> addresses;
  std::string line;
  while (std::getline(lines, line))
    if (size_t colon = line.find(":\t"); colon != std::string::npos)
      addresses.push_back(strtoull(line.c_str(), nullptr, 16));
  return addresses;
}

// The test's program, in a folder of its own.
class Compiled {
 public:
  explicit Compiled(const std::string& flags) : folder_(outputOf("mktemp -d")) {
    folder_.pop_back();
    std::string command = "gcc " + flags + " -o " + path() + " ../../test/programs/inlined.c";
    CHECK_EQ(system(command.c_str()), 0);
  }
  Compiled(const Compiled&) = delete;
  ~Compiled() { CHECK_EQ(system(("rm -r " + folder_).c_str()), 0); }

  std::string path() const { return folder_ + "/inlined"; }

 private:
  std::string folder_;
};

// Returns how many addresses had inlined functions. All must be as addr2line says.
size_t compareWithAddr2line(const std::string& flags) {
  Compiled compiled(flags);
  std::string program = compiled.path();
  std::vector<uint64_t> addresses = addressesOf(program, "outer");
  CHECK(addresses.size() > 10);
  UniqueFd file(open(program.c_str(), O_RDONLY | O_CLOEXEC));
  LineAnswer answer = readLines(file.get(), addresses);
  CHECK(answer.frames.has_value());
  size_t inlined = 0;
  for (size_t i = 0; answer.frames && i < addresses.size(); i++) {
    const SourceFrames& frames = (*answer.frames)[i];
    CHECK_EQ(textOf(frames), askAddr2line(program, addresses[i]));
    inlined += frames.size() > 1;
  }
  return inlined;
}

}  // namespace

TEST("source frames: inlined functions and lines are those of addr2line, DWARF 5 and 4") {
  if (outputOf("command -v gcc").empty()) throw Skip{"no gcc"};
  CHECK(compareWithAddr2line("-O2 -gdwarf-5") > 5);
  CHECK(compareWithAddr2line("-O2 -gdwarf-4") > 5);
  CHECK(compareWithAddr2line("-O2 -g -gz=zlib") > 5);
}

TEST("source frames: a file without debug information has none") {
  LineAnswer answer = readLines(
      makeFile(makeElfImage({{0, 0x1000, 0}}, {{"main", 0x10, 0x20}})).get(), {0x10, 0x20});
  CHECK(answer.frames && answer.frames->size() == 2 && (*answer.frames)[0].empty());
}

TEST("source frames: a damaged file costs its own lines at most") {
  if (outputOf("command -v gcc").empty()) throw Skip{"no gcc"};
  Compiled compiled("-O2 -g");
  std::vector<uint64_t> addresses = addressesOf(compiled.path(), "outer");
  std::ifstream in(compiled.path(), std::ios::binary);
  std::string image((std::istreambuf_iterator<char>(in)), {});
  size_t debug = image.find("mix_twice") - 2048;  // headers are left alone, so the parser gets far
  std::mt19937_64 random(5);
  size_t answered = 0;
  for (int round = 0; round < 40; round++) {
    std::string damaged = image;
    for (int damage = 0; damage < 20; damage++)
      damaged[debug + random() % 4096] = static_cast<char>(random());
    if (round % 4 == 0) damaged.resize(random() % damaged.size());
    answered += readLines(makeFile(damaged).get(), addresses).frames.has_value();
  }
  CHECK(answered > 0);
}

TEST("source frames: a process that is not wanted any more is ended") {
  if (outputOf("command -v gcc").empty()) throw Skip{"no gcc"};
  Compiled compiled("-O2 -g");
  UniqueFd file(open(compiled.path().c_str(), O_RDONLY | O_CLOEXEC));
  UniqueFd stop(eventfd(1, EFD_CLOEXEC));
  CHECK(!readLines(file.get(), {0x1000}, stop.get()).frames);
}

TEST("source frames: what a process says is taken only in whole") {
  SourceFrames inlined = {{"inner", "/src/a.c", 7}, {"outer", "", 0}};
  std::string bytes;
  encodeSourceFrames(inlined, &bytes);
  encodeSourceFrames({}, &bytes);
  auto decoded = decodeSourceFrames(bytes, 2);
  CHECK(decoded && textOf((*decoded)[0]) == textOf(inlined) && (*decoded)[1].empty());
  CHECK(!decodeSourceFrames(bytes, 1));
  CHECK(!decodeSourceFrames(bytes, 3));
  for (size_t cut = 0; cut < bytes.size(); cut++)
    CHECK(!decodeSourceFrames(std::string_view(bytes).substr(0, cut), 2));
}
