// What went wrong with a request, apart from how a surface writes it.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "server/http/message.h"

namespace melete {

struct ApiError {
  int status = 400;
  std::string message;  // a sentence, without the place
  std::string param;    // where in the body: "messages[0].content[1].type"; empty: nowhere there
  std::string code;     // "invalid_type"; empty: none
};

// An Error of the rooms below: its place is theirs, not the body's.
ApiError api_error(const Error& error);

// OpenAI's shape: {"error": {"message", "type", "param", "code"}}.
Json openai_error(const ApiError& error);
HttpResponse openai_response(const ApiError& error);

}  // namespace melete
