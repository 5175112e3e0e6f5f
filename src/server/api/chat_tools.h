// Tools in the form of OpenAI's chat completions: tools, tool_choice, parallel_tool_calls. Pure.
#pragma once

#include <optional>

#include "server/api/answer_options.h"

namespace melete {

// Into options.tools, tool_choice and parallel_calls. `allowed_tools` leaves only those in.
void read_tools(WireReader& body, AnswerOptions& options, std::optional<ApiError>& problem);

}  // namespace melete
