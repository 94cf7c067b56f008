// The addon's export table.
#include <malloc.h>
#include <napi.h>

#include "sampler.h"

namespace {

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  // What one thread has freed, another can use: there are ten threads, and few work at a time.
  mallopt(M_ARENA_MAX, 2);
  exports.Set("Sampler", bunsen::Sampler::defineClass(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(bunsen, initialize)
