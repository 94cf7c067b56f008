#include "sampler.h"

#include <atomic>
#include <optional>
#include <utility>

#include "columns_to_js.h"
#include "options.h"

namespace bunsen {

Napi::Error toJsError(Napi::Env env, const SamplerError& error) {
  Napi::Error js = Napi::Error::New(env, error.what());
  js.Set("code", Napi::String::New(env, error.code));
  if (error.error_number) js.Set("errno", Napi::Number::New(env, error.error_number));
  return js;
}

// Keeps the sampler alive until its promise is settled.
class Sampler::Task : public Napi::AsyncWorker {
 public:
  Task(Napi::Env env, Sampler* sampler, Work work)
      : AsyncWorker(env, "bunsen.Sampler"),
        sampler_(sampler),
        sampler_reference_(Napi::Persistent(sampler->Value())),
        work_(std::move(work)),
        deferred_(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    try {
      to_js_ = work_();
    } catch (const SamplerError& error) {
      error_ = error;
    } catch (const std::exception& error) {
      error_ = SamplerError("BUNSEN_INTERNAL", 0, error.what());
    }
  }

  void OnOK() override {
    Napi::HandleScope scope(Env());
    sampler_->finish();
    if (error_)
      deferred_.Reject(toJsError(Env(), *error_).Value());
    else
      deferred_.Resolve(to_js_(Env()));
  }

 private:
  Sampler* sampler_;
  Napi::ObjectReference sampler_reference_;
  Work work_;
  Napi::Promise::Deferred deferred_;
  ToJs to_js_;
  std::optional<SamplerError> error_;
};

Napi::Function Sampler::defineClass(Napi::Env env) {
  return DefineClass(env, "Sampler",
                     {
                         InstanceMethod("start", &Sampler::start),
                         InstanceMethod("drain", &Sampler::drain),
                         InstanceMethod("takeWindow", &Sampler::takeWindow),
                         InstanceMethod("setFrequency", &Sampler::setFrequency),
                         InstanceMethod("stop", &Sampler::stop),
                         InstanceMethod("counters", &Sampler::counters),
                         InstanceMethod("close", &Sampler::close),
                     });
}

Sampler::Sampler(const Napi::CallbackInfo& info)
    : ObjectWrap(info), options_(parseOptions(info[0])) {}

Napi::Value Sampler::enqueue(Napi::Env env, Work work) {
  checkOpen(env);
  auto* task = new Task(env, this, std::move(work));  // deletes itself after OnOK
  tasks_.push_back(task);
  if (tasks_.size() == 1) task->Queue();
  return task->promise();
}

void Sampler::checkOpen(Napi::Env env) const {
  if (is_closed_)
    throw toJsError(env, SamplerError("BUNSEN_CLOSED", 0, "the sampler has been closed"));
}

void Sampler::finish() {
  tasks_.pop_front();
  if (!tasks_.empty())
    tasks_.front()->Queue();
  else if (is_closed_)
    std::atomic_store(&profiler_, {});
}

Profiler& Sampler::running() {
  if (!profiler_)
    throw SamplerError("BUNSEN_NOT_STARTED", 0, "the sampler has not been started; call start()");
  return *profiler_;
}

Napi::Value Sampler::start(const Napi::CallbackInfo& info) {
  return enqueue(info.Env(), [this]() -> ToJs {
    if (profiler_)
      throw SamplerError("BUNSEN_ALREADY_STARTED", 0, "the sampler has been started before");
    auto profiler = std::make_shared<Profiler>(options_);
    std::atomic_store(&profiler_, profiler);  // counters() looks at it meanwhile
    return [profiler](Napi::Env env) -> Napi::Value {
      const BpfSession& session = profiler->session();
      Napi::Object result = Napi::Object::New(env);
      result.Set("cpus", static_cast<double>(session.attachedCpus()));
      result.Set("preallocated", session.preallocated());
      result.Set("mapBytes", static_cast<double>(session.fullMapBytes()));
      result.Set("walk", session.walk());
      if (!session.usesTables()) result.Set("noTables", session.noTablesReason());
      result.Set("taskRecords", profiler->hasTaskRecords());
      return result;
    };
  });
}

Napi::Value Sampler::drain(const Napi::CallbackInfo& info) {
  return enqueue(info.Env(), [this]() -> ToJs {
    DrainResult drained = running().drain();
    return [drained](Napi::Env env) -> Napi::Value {
      Napi::Object result = Napi::Object::New(env);
      result.Set("samples", static_cast<double>(drained.samples));
      result.Set("newProcesses", static_cast<double>(drained.new_processes));
      return result;
    };
  });
}

Napi::Value Sampler::takeWindow(const Napi::CallbackInfo& info) {
  bool trim = info[0].ToBoolean();
  return enqueue(info.Env(), [this, trim]() -> ToJs {
    auto columns = std::make_shared<WindowColumns>(running().takeWindow(trim));
    return [columns](Napi::Env env) -> Napi::Value { return columnsToJs(env, *columns); };
  });
}

Napi::Value Sampler::setFrequency(const Napi::CallbackInfo& info) {
  uint32_t frequency_hz = parseFrequency(info.Env(), info[0]);
  return enqueue(info.Env(), [this, frequency_hz]() -> ToJs {
    running().setFrequency(frequency_hz);
    return [](Napi::Env env) { return env.Undefined(); };
  });
}

Napi::Value Sampler::stop(const Napi::CallbackInfo& info) {
  return enqueue(info.Env(), [this]() -> ToJs {
    running().stop();
    return [](Napi::Env env) { return env.Undefined(); };
  });
}

Napi::Value Sampler::counters(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  checkOpen(env);
  std::shared_ptr<Profiler> profiler = std::atomic_load(&profiler_);
  Napi::Object result = Napi::Object::New(env);
  if (!profiler) return result;  // not started: nothing has been counted
  for (const auto& [name, value] : profiler->counters())
    result.Set(name, static_cast<double>(value));
  return result;
}

void Sampler::close(const Napi::CallbackInfo&) {
  is_closed_ = true;
  if (tasks_.empty()) std::atomic_store(&profiler_, {});
}

}  // namespace bunsen
