#include "options.h"

#include <string>
#include <vector>

namespace bunsen {

namespace {

[[noreturn]] void reject(Napi::Env env, const std::string& option, const char* expected) {
  throw Napi::TypeError::New(env, "Sampler option " + option + " must be " + expected);
}

uint32_t parsePositive(Napi::Env env, const Napi::Value& value, const char* name, uint32_t limit,
                       const char* expected) {
  double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0;
  if (!(number >= 1 && number <= limit) || number != static_cast<uint32_t>(number))
    reject(env, name, expected);
  return static_cast<uint32_t>(number);
}

bool parseBoolean(const Napi::Object& options, const char* name, bool is_required) {
  Napi::Value value = options.Get(name);
  if (value.IsUndefined() && !is_required) return false;
  if (!value.IsBoolean()) reject(options.Env(), name, "a boolean");
  return value.As<Napi::Boolean>();
}

std::string parseString(const Napi::Object& options, const char* name, bool is_required) {
  Napi::Value value = options.Get(name);
  if (value.IsUndefined() && !is_required) return "";
  if (!value.IsString()) reject(options.Env(), name, "a string");
  return value.As<Napi::String>();
}

std::vector<std::string> parseStrings(const Napi::Object& options, const char* name) {
  std::vector<std::string> strings;
  Napi::Value value = options.Get(name);
  if (value.IsUndefined()) return strings;
  if (!value.IsArray()) reject(options.Env(), name, "an array of strings");
  auto elements = value.As<Napi::Array>();
  for (uint32_t i = 0; i < elements.Length(); i++) {
    Napi::Value element = elements.Get(i);
    if (!element.IsString()) reject(options.Env(), name, "an array of strings");
    strings.push_back(element.As<Napi::String>());
  }
  return strings;
}

// All but those that `without` names.
Features parseFeatures(const Napi::Object& options) {
  Features features;
  for (const std::string& name : parseStrings(options, "without")) {
    bool is_known = false;
    for (const auto& [known, member] : kFeatureNames) {
      if (known != name) continue;
      features.*member = false;
      is_known = true;
    }
    if (!is_known) reject(options.Env(), "without", "an array of features' names");
  }
  return features;
}

// Hands each element of the filter's list to `add`. Returns the filter's mode, off if not given.
template <typename Add>
bunsen_filter_mode parseFilter(const Napi::Object& options, const char* name, const char* list,
                               Add add) {
  Napi::Value value = options.Get(name);
  if (value.IsUndefined()) return BUNSEN_FILTER_OFF;
  if (!value.IsObject()) reject(options.Env(), name, "an object with a mode and a list");
  auto filter = value.As<Napi::Object>();

  Napi::Value mode = filter.Get("mode");
  std::string mode_name = mode.IsString() ? mode.As<Napi::String>().Utf8Value() : "";
  if (mode_name != "include" && mode_name != "exclude")
    reject(options.Env(), std::string(name) + ".mode", "'include' or 'exclude'");
  if (!filter.Get(list).IsArray())
    reject(options.Env(), std::string(name) + "." + list, "an array");
  auto elements = filter.Get(list).As<Napi::Array>();
  for (uint32_t i = 0; i < elements.Length(); i++) add(elements.Get(i));
  return mode_name == "include" ? BUNSEN_FILTER_INCLUDE : BUNSEN_FILTER_EXCLUDE;
}

}  // namespace

uint32_t parseFrequency(Napi::Env env, const Napi::Value& value) {
  return parsePositive(env, value, "frequencyHz", 20'000, "a whole number from 1 to 20000");
}

SessionOptions parseOptions(const Napi::Value& value) {
  Napi::Env env = value.Env();
  if (!value.IsObject()) throw Napi::TypeError::New(env, "Sampler needs an object of options");
  auto options = value.As<Napi::Object>();

  SessionOptions session;
  session.object_path = parseString(options, "objectPath", true);
  session.frequency_hz = parseFrequency(env, options.Get("frequencyHz"));
  session.drain_interval_ms = parsePositive(env, options.Get("drainIntervalMs"), "drainIntervalMs",
                                            600'000, "a whole number from 1 to 600000");
  session.include_idle = parseBoolean(options, "includeIdle", true);
  session.exclude_kernel_threads = parseBoolean(options, "excludeKernelThreads", true);
  session.features = parseFeatures(options);
  session.btf_path = parseString(options, "btfPath", false);
  session.tags.command_line = parseBoolean(options, "commandLines", false);
  session.tags.variables = parseStrings(options, "environmentVariables");
  session.pid_filter_mode = parseFilter(options, "pidFilter", "pids", [&](const Napi::Value& pid) {
    if (!pid.IsNumber()) reject(env, "pidFilter.pids", "an array of numbers");
    session.pids.push_back(pid.As<Napi::Number>().Uint32Value());
  });
  session.cgroup_filter_mode =
      parseFilter(options, "cgroupFilter", "cgroupIds", [&](const Napi::Value& id) {
        if (!id.IsBigInt()) reject(env, "cgroupFilter.cgroupIds", "an array of bigints");
        bool is_lossless;
        session.cgroup_ids.push_back(id.As<Napi::BigInt>().Uint64Value(&is_lossless));
      });
  return session;
}

}  // namespace bunsen
