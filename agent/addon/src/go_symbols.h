// Names of Go's functions. Go programs are often shipped without a symbol table, but they carry one
// of their own, for stack traces: .gopclntab.
#pragma once

#include "elf_file.h"

namespace bunsen {

// Returns the functions that the file lists for Go's runtime; empty if it does not, or if it was
// made by a version of Go before 1.18.
ElfSymbols readGoSymbols(const ElfFile& file);

}  // namespace bunsen
