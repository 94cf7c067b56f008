// The addon's export table.
#include <napi.h>

#include "sampler.h"

namespace {

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("Sampler", bunsen::Sampler::defineClass(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(bunsen, initialize)
