#include "mappings.h"

#include "check.h"

using namespace bunsen;

TEST("mappings: executable lines only, deleted files, spaces in paths, memory without a file") {
  auto mappings = parseMappings(
      "00400000-00b6f000 r--p 00000000 fe:00 1047 /usr/bin/node\n"
      "00b6f000-00b71000 r-xp 0076f000 fe:00 1047                       /usr/bin/node\n"
      "7f0000000000-7f0000001000 r-xp 00001000 00:2d 99 /opt/my app/lib.so (deleted)\n"
      "7f0000002000-7f0000003000 rwxp 00000000 00:00 0 \n"
      "7f0000004000-7f0000005000 r-xp 00000000 00:01 7 /memfd:doublemapper (deleted)\n"
      "7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0                  [vdso]\n");
  CHECK_EQ(mappings.size(), 5u);
  CHECK_EQ(mappings[0].start, 0xb6f000u);
  CHECK_EQ(mappings[0].end, 0xb71000u);
  CHECK_EQ(mappings[0].file_offset, 0x76f000u);
  CHECK_EQ(mappings[0].device, "fe:00");
  CHECK_EQ(mappings[0].inode, 1047u);
  CHECK_EQ(mappings[0].path, "/usr/bin/node");
  CHECK_EQ(mappings[1].path, "/opt/my app/lib.so");
  CHECK(mappings[2].isAnonymous());
  CHECK_EQ(mappings[2].path, "");
  CHECK(mappings[3].isMemoryFile());
  CHECK(!mappings[3].isAnonymous());
  CHECK_EQ(mappings[4].path, "[vdso]");
}

TEST("mappings: malformed, reversed and overlapping lines are left out") {
  auto mappings = parseMappings(
      "garbage\n\n-\n1000-\n1000-2000\n1000-2000 r-xp\n1000-2000 r-xp 0\n1000-2000 r-xp 0 0:0\n"
      "2000-1000 r-xp 00000000 00:00 0 reversed\n"
      "1000-3000 r-xp 00000000 00:00 0 first\n"
      "2000-4000 r-xp 00000000 00:00 0 overlapping\n"
      "ffffffffffffffffff-4 r-xp 00000000 00:00 0 too large\n"
      "5000-6000 r-xp 00000000 00:00 0");
  CHECK_EQ(mappings.size(), 2u);
  CHECK_EQ(mappings[0].path, "first");
  CHECK_EQ(mappings[1].start, 0x5000u);
}
