#!/bin/sh
# Seeds for the fuzz targets, made with the tools that make the real things.
# Usage: seeds.sh FOLDER (a folder in it for each target)
set -eu
cd "$1"
mkdir -p elf call_frames symbol_files go_table perf_map notes source_frames
echo 'int other(int); int shown(int n) { return other(n) + other(n + 1); }' > seed.c
${CC:-gcc} -g -O1 -fPIC -shared -Wl,--build-id -o seed.so seed.c
section() { objcopy --dump-section "$1=section.bin" "${2:-seed.so}" /dev/null; }

cp seed.so elf/debug
strip -o elf/stripped seed.so
echo 'int puts(const char *); int main(int n, char **a) { return puts(*a); }' > program.c
${CC:-gcc} -s -O1 -o elf/program program.c

section .eh_frame_hdr
{ printf "\\$(printf %o "$(wc -c < section.bin)")"; cat section.bin; section .eh_frame; cat section.bin; } > call_frames/eh_frame
${CC:-gcc} -g -O1 -fno-asynchronous-unwind-tables -c -o seed.o seed.c
section .debug_frame seed.o
{ printf '\0'; cat section.bin; } > call_frames/debug_frame

objcopy --add-gnu-debuglink=seed.so elf/stripped linked.so
section .gnu_debuglink linked.so
{ printf "\\$(printf %o "$(wc -c < section.bin)")"; cat section.bin; xz -c seed.so; } > symbol_files/both

# Header of Go 1.20 (see go_symbols.cc), two functions, the entry that ends them, names.
{
  printf '\361\377\377\377\0\0\001\010\002\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\020\0\0\0\0\0\0'
  printf '\154\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\110\0\0\0\0\0\0\0'
  printf '\0\0\0\0\024\0\0\0\020\0\0\0\034\0\0\0\040\0\0\0'
  printf '\0\0\0\0\0\0\0\0\020\0\0\0\012\0\0\0main.main\0main.other\0'
} > go_table/two

printf '1000 40 JS:*parse /srv/app.js:1:2\n7f0000001000 1000 0x12\nffff T _text [module]\n1000-2000 r-xp 0 08:01 7 /bin/a b\n' > perf_map/lines
printf '\001\001\0\0\0\004\0\0\0main\004\0\0\0/a.c\007\0\0\0' > source_frames/one
section .note.gnu.build-id
cp section.bin notes/build_id
rm program.c seed.c seed.so seed.o linked.so section.bin
