// The JavaScript class Sampler: a Profiler whose work runs in libuv's threads, one call after the
// other in the order in which they were made.
#pragma once

#include <napi.h>

#include <deque>
#include <functional>
#include <memory>

#include "bpf_session.h"
#include "error.h"
#include "profiler.h"

namespace bunsen {

class Sampler : public Napi::ObjectWrap<Sampler> {
 public:
  static Napi::Function defineClass(Napi::Env env);

  explicit Sampler(const Napi::CallbackInfo& info);

 private:
  class Task;
  // Runs in a thread; returns what makes the promise's value, which runs in JavaScript's.
  using ToJs = std::function<Napi::Value(Napi::Env)>;
  using Work = std::function<ToJs()>;

  Napi::Value start(const Napi::CallbackInfo& info);
  Napi::Value drain(const Napi::CallbackInfo& info);
  Napi::Value takeWindow(const Napi::CallbackInfo& info);
  Napi::Value setFrequency(const Napi::CallbackInfo& info);
  Napi::Value stop(const Napi::CallbackInfo& info);
  Napi::Value counters(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  Napi::Value enqueue(Napi::Env env, Work work);
  void startNext();
  void finish();
  void checkOpen(Napi::Env env) const;
  Profiler& running();

  SessionOptions options_;
  // Made by the first task, and gone when the queue is empty after close().
  std::shared_ptr<Profiler> profiler_;
  std::deque<Task*> tasks_;  // the first one runs
  bool is_closed_ = false;
};

// Returns an Error with `code` and, if there is one, `errno`.
Napi::Error toJsError(Napi::Env env, const SamplerError& error);

}  // namespace bunsen
