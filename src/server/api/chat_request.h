// The body of POST /v1/chat/completions, read from JSON: OpenAI's fields, and ours under "melete". Pure.
#pragma once

#include <optional>

#include "server/api/answer_wire.h"

namespace melete {

struct ChatRequest : AnswerRequest {
  bool include_usage = false;
};

inline constexpr int64_t kMaxChoices = 16;

// Nothing if `problem` is set: by a field of a wrong type, a value out of range, an unknown field, a field
// that this server has no part for.
std::optional<ChatRequest> parse_chat_request(const Json& body, std::optional<ApiError>& problem);

}  // namespace melete
