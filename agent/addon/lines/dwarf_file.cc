#include "dwarf_file.h"

#include <dwarf.h>

#include <algorithm>

namespace bunsen {

namespace {

// As in the symbol table, so that it is demangled like any other. C and Go have plain names alone.
std::string nameOf(Dwarf_Die* function) {
  Dwarf_Attribute attribute;
  for (unsigned kind : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name, DW_AT_name})
    if (const char* name = dwarf_formstring(dwarf_attr_integrate(function, kind, &attribute)))
      return name;
  return "";
}

Dwarf_Word numberOf(Dwarf_Die* die, unsigned kind) {
  Dwarf_Attribute attribute;
  Dwarf_Word number;
  return dwarf_formudata(dwarf_attr(die, kind, &attribute), &number) == 0 ? number : 0;
}

// @param name relative to the folder that the compiler ran in, or null
std::string pathOf(Dwarf_Die* unit, const char* name) {
  if (!name || name[0] == '/') return name ? name : "";
  Dwarf_Attribute attribute;
  const char* folder = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
  return folder ? std::string(folder) + '/' + name : name;
}

std::string fileOf(Dwarf_Die* unit, Dwarf_Word index) {
  Dwarf_Files* files;
  size_t count;
  if (dwarf_getsrcfiles(unit, &files, &count) != 0 || index >= count) return "";
  return pathOf(unit, dwarf_filesrc(files, index, nullptr, nullptr));
}

// Whether functions may be declared in it. Their code is where their types are, for methods.
bool holdsFunctions(int tag) {
  switch (tag) {
    case DW_TAG_compile_unit:
    case DW_TAG_skeleton_unit:
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_lexical_block:
    case DW_TAG_try_block:
    case DW_TAG_catch_block:
    case DW_TAG_subprogram:
    case DW_TAG_inlined_subroutine:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::vector<SourceFrames> DwarfFile::find(const std::vector<uint64_t>& addresses) {
  std::vector<SourceFrames> result(addresses.size());
  places_.clear();
  for (size_t i = 0; i < addresses.size(); i++) places_.push_back({addresses[i], &result[i], {}});
  std::sort(places_.begin(), places_.end(),
            [](const Place& left, const Place& right) { return left.address < right.address; });

  Dwarf_CU* unit = nullptr;
  Dwarf_Die die;
  uint8_t type;
  while (dwarf_ && dwarf_get_units(dwarf_.get(), unit, &unit, nullptr, &type, &die, nullptr) == 0) {
    if (type != DW_UT_compile && type != DW_UT_skeleton) continue;
    bool has_code;
    std::vector<Place*> places = placesIn(&die, &has_code);
    if (places.empty()) continue;
    visit(&die);
    for (Place* place : places) fill(&die, place);
  }
  return result;
}

// @param has_code whether the scope has code at all, be it here or elsewhere
std::vector<DwarfFile::Place*> DwarfFile::placesIn(Dwarf_Die* scope, bool* has_code) {
  std::vector<Place*> found;
  Dwarf_Addr base, start, end;
  ptrdiff_t offset = 0;
  *has_code = false;
  while ((offset = dwarf_ranges(scope, offset, &base, &start, &end)) > 0) {
    *has_code = true;
    auto place = std::lower_bound(
        places_.begin(), places_.end(), start,
        [](const Place& each, Dwarf_Addr wanted) { return each.address < wanted; });
    for (; place != places_.end() && place->address < end; ++place) found.push_back(&*place);
  }
  return found;
}

// Adds the functions below the scope to the places that they hold.
void DwarfFile::visit(Dwarf_Die* scope) {
  Dwarf_Die die;
  if (dwarf_child(scope, &die) != 0) return;
  do {
    int tag = dwarf_tag(&die);
    if (!holdsFunctions(tag)) continue;
    bool is_function = tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
    bool has_code;
    std::vector<Place*> places = placesIn(&die, &has_code);
    // A function without code is a declaration, or one that was inlined everywhere.
    if (places.empty() && (has_code || is_function)) continue;
    if (is_function)
      for (Place* place : places) {
        // One function in another is not inlined: it has a frame of its own.
        if (tag == DW_TAG_subprogram) place->functions.clear();
        place->functions.push_back(die);
      }
    visit(&die);
  } while (dwarf_siblingof(&die, &die) == 0);
}

void DwarfFile::fill(Dwarf_Die* unit, Place* place) {
  SourceFrame frame;
  if (Dwarf_Line* line = dwarf_getsrc_die(unit, place->address)) {
    int number;
    frame.file = pathOf(unit, dwarf_linesrc(line, nullptr, nullptr));
    if (dwarf_lineno(line, &number) == 0 && number > 0) frame.line = static_cast<uint32_t>(number);
  }
  SourceFrames frames;
  for (auto function = place->functions.rbegin(); function != place->functions.rend(); ++function) {
    frame.function = nameOf(&*function);
    frames.push_back(frame);
    // The caller stands where it calls.
    frame.file = fileOf(unit, numberOf(&*function, DW_AT_call_file));
    frame.line = static_cast<uint32_t>(numberOf(&*function, DW_AT_call_line));
  }
  if (frames.empty() && frame.line != 0) frames.push_back(frame);  // assembly has lines alone
  *place->frames = std::move(frames);
}

}  // namespace bunsen
