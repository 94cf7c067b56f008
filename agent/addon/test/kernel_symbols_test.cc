#include "kernel_symbols.h"

#include "check.h"

using namespace bunsen;

namespace {

const FunctionName& functionAt(KernelSymbols& symbols, NameTable& names, uint64_t address) {
  return names.function(symbols.functionAt(address));
}

}  // namespace

TEST("kallsyms: text of kernel and modules, data left out, lines in pieces") {
  NameTable names;
  KernelSymbols symbols(&names);
  symbols.append("ffffffff81000000 T _stext\nffffffff81000100 t do_work\nffffffff810001");
  symbols.append("80 D some_data\nffffffff81000200 W weak_work\n");
  symbols.append("ffffffffc0001000 t ext4_read\t[ext4]\nffffffffc0000000 t ext4_init\t[ext4]\n");
  symbols.append("0000000000000000 A percpu\nnonsense\n\nffffffff81000300\n");
  symbols.append("ffffffff81000400 t no_module\t\nffffffff81000500 t no_brackets\text4\n");
  symbols.finish();
  CHECK_EQ(symbols.size(), 5u);
  CHECK(!symbols.hidden());

  const FunctionName& work = functionAt(symbols, names, 0xffffffff810001ff);
  CHECK_EQ(names.string(work.name), "do_work");
  CHECK_EQ(work.address, 0xffffffff81000100u);
  CHECK(names.mapping(work.mapping).kind == MappingKind::kKernel);
  const FunctionName& module = functionAt(symbols, names, 0xffffffffc0001010);
  CHECK_EQ(names.string(module.name), "ext4_read");
  CHECK(names.mapping(module.mapping).kind == MappingKind::kKernelModule);
  CHECK_EQ(names.string(names.mapping(module.mapping).file), "[ext4]");
}

TEST("kallsyms: no function reaches over a gap, nor before the first") {
  NameTable names;
  KernelSymbols symbols(&names);
  symbols.append("ffffffff81000000 T _stext\n");
  symbols.finish();
  CHECK_EQ(names.string(functionAt(symbols, names, 0xffffffffa0000000).name),
           "[kernel]+0xffffffffa0000000");
  CHECK_EQ(names.string(functionAt(symbols, names, 0x1000).name), "[kernel]+0x1000");
}

TEST("kallsyms: hidden addresses are noticed") {
  NameTable names;
  KernelSymbols symbols(&names);
  symbols.append("0000000000000000 T _stext\n0000000000000000 t do_work\n");
  symbols.finish();
  CHECK(symbols.hidden());
  CHECK_EQ(names.string(functionAt(symbols, names, 0xffffffff81000000).name),
           "[kernel]+0xffffffff81000000");
}
