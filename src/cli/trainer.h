// Handing over from `melete` to `melete-train`, the executable that links libtorch.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace melete {

// Replaces this process by `melete-train words...`. Looks beside this executable, then in the sibling build
// folders. Returns only on failure: unavailable, with what to run.
Error exec_trainer(const std::vector<std::string>& words);

}  // namespace melete
