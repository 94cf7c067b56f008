#include "columns_to_js.h"

#include <cstring>
#include <vector>

namespace bunsen {

namespace {

template <typename Array, typename Element>
Array toTypedArray(Napi::Env env, const std::vector<Element>& elements) {
  Array array = Array::New(env, elements.size());
  if (!elements.empty()) memcpy(array.Data(), elements.data(), elements.size() * sizeof(Element));
  return array;
}

Napi::Value toJs(Napi::Env env, const std::vector<uint32_t>& elements) {
  return toTypedArray<Napi::Uint32Array>(env, elements);
}

Napi::Value toJs(Napi::Env env, const std::vector<uint64_t>& elements) {
  return toTypedArray<Napi::BigUint64Array>(env, elements);
}

Napi::Value toJs(Napi::Env env, const std::vector<uint8_t>& elements) {
  return toTypedArray<Napi::Uint8Array>(env, elements);
}

}  // namespace

Napi::Object columnsToJs(Napi::Env env, const WindowColumns& columns) {
  Napi::Object result = Napi::Object::New(env);
  auto set = [&](const char* name, const auto& column) { result.Set(name, toJs(env, column)); };
  result.Set("strings",
             Napi::Buffer<char>::Copy(env, columns.strings.data(), columns.strings.size()));
  set("stringOffsets", columns.string_offsets);
  set("functionName", columns.function_name);
  set("functionSystemName", columns.function_system_name);
  set("functionMapping", columns.function_mapping);
  set("functionAddress", columns.function_address);
  set("functionFile", columns.function_file);
  set("functionLine", columns.function_line);
  set("mappingFile", columns.mapping_file);
  set("mappingBuildId", columns.mapping_build_id);
  set("mappingKind", columns.mapping_kind);
  set("stackOffsets", columns.stack_offsets);
  set("stackFunctions", columns.stack_functions);
  set("sampleStack", columns.sample_stack);
  set("sampleProcess", columns.sample_process);
  set("sampleComm", columns.sample_comm);
  set("sampleCount", columns.sample_count);
  set("sampleCgroupId", columns.sample_cgroup_id);
  set("processPid", columns.process_pid);
  set("processStartTicks", columns.process_start_ticks);
  set("processExe", columns.process_exe);
  set("processComm", columns.process_comm);
  set("processCgroup", columns.process_cgroup);
  set("processCommandLine", columns.process_command_line);
  set("processEnvironment", columns.process_environment);
  set("processFlags", columns.process_flags);
  set("walkProcess", columns.walk_process);
  set("walkEnd", columns.walk_end);
  set("walkCount", columns.walk_count);
  return result;
}

}  // namespace bunsen
