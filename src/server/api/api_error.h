// What went wrong with a request, apart from how a surface writes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "server/http/message.h"

namespace melete {

struct ApiError {
  int status = 400;
  std::string message;        // a sentence, without the place
  std::string param;          // where in the body: "messages[0].content[1].type"; empty: nowhere there
  std::string code;           // "invalid_type"; empty: none
  int64_t retry_after_s = 0;  // of a 429 or 503; 0: soon
};

// An Error of the rooms below: its place is theirs, not the body's.
ApiError api_error(const Error& error);

// An Error of Charge::reserve(): a quota that is used up comes back at the next day.
ApiError quota_error(const Error& error, int64_t retry_after_s);

// OpenAI's shape: {"error": {"message", "type", "param", "code"}}.
Json openai_error(const ApiError& error);
HttpResponse openai_response(const ApiError& error);

// Anthropic's shape: {"type": "error", "error": {"type", "message"}}.
Json anthropic_error(const ApiError& error);
HttpResponse anthropic_response(const ApiError& error);

// In the shape of the surface that a path belongs to.
HttpResponse error_response(std::string_view path, const ApiError& error);

}  // namespace melete
