// What a run's log tells of it, around whatever makes the answer.
#pragma once

#include <functional>

#include "agent/mode.h"

namespace melete {

// Puts run.started, calls `run`, and puts meter and run.completed, or run.failed.
Result<Answer> tell_run(const std::string& mode, const Request& request, EventLog& log,
                        const std::function<Result<Answer>()>& run);

}  // namespace melete
