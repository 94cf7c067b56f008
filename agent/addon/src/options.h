// The constructor's argument, checked.
#pragma once

#include <napi.h>

#include "bpf_session.h"

namespace bunsen {

// Throws a JavaScript TypeError that names the option and the value it must have.
SessionOptions parseOptions(const Napi::Value& value);

// The same for a frequency in Hz.
uint32_t parseFrequency(Napi::Env env, const Napi::Value& value);

}  // namespace bunsen
