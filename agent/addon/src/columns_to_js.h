// A window's columns as typed arrays.
#pragma once

#include <napi.h>

#include "window.h"

namespace bunsen {

// Returns WindowBuffers of native.ts.
Napi::Object columnsToJs(Napi::Env env, const WindowColumns& columns);

}  // namespace bunsen
