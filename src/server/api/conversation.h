// A body's messages as a conversation: calls and their results in the order that the model is told them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/api/content.h"

namespace melete {

// System messages at the beginning become the system text; later ones keep their place. What an assistant
// says beside its calls was said in passing. Results follow the turn whose calls they answer, one for each,
// in any order; else it is a problem.
bool build_conversation(const std::vector<WireMessage>& messages, const ServedModel& model,
                        Conversation& conversation, std::optional<ApiError>& problem);

// What is wrong with the name of a call or tool, or empty.
std::string problem_of_tool_name(const std::string& name);

}  // namespace melete
