// The body of POST /v1/chat/completions, read from JSON: OpenAI's fields, and ours under "melete". Pure.
#pragma once

#include <optional>
#include <vector>

#include "server/api/answer_options.h"
#include "server/api/content.h"

namespace melete {

struct ChatRequest {
  AnswerOptions options;
  std::vector<WireMessage> messages;  // as they came: system messages too
  int choices = 1;                    // "n"
  bool stream = false, include_usage = false;
};

inline constexpr int64_t kMaxChoices = 16;

// Nothing if `problem` is set: by a field of a wrong type, a value out of range, an unknown field, a field
// that this server has no part for.
std::optional<ChatRequest> parse_chat_request(const Json& body, std::optional<ApiError>& problem);

}  // namespace melete
