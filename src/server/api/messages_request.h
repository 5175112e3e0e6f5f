// The body of POST /v1/messages and /v1/messages/count_tokens, read from JSON: Anthropic's fields, and ours
// under "melete". Pure.
#pragma once

#include <optional>

#include "server/api/answer_wire.h"

namespace melete {

struct MessagesRequest : AnswerRequest {
  bool omits_thinking = false;  // thinking.display: its blocks are empty
};

// Without `thinking` a model's own name answers at once. Nothing if `problem` is set, as Surface::parse.
// is_count: of count_tokens, which has no max_tokens.
std::optional<MessagesRequest> parse_messages_request(const Json& body, bool is_count,
                                                      std::optional<ApiError>& problem);

}  // namespace melete
