// Tools in the form of OpenAI's chat completions, or of the Responses API: tools, tool_choice,
// parallel_tool_calls. Pure.
#pragma once

#include <optional>

#include "server/api/answer_options.h"

namespace melete {

enum class ToolForm {
  nested,  // chat completions: {"type": "function", "function": {"name", ...}}
  flat     // responses: {"type": "function", "name", ...}
};

// Into options.tools, tool_choice and parallel_calls. `allowed_tools` leaves only those in.
void read_tools(WireReader& body, ToolForm form, AnswerOptions& options, std::optional<ApiError>& problem);

}  // namespace melete
