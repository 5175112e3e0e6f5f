// OpenAI's chat completions as a surface of answers.
#pragma once

#include "server/api/answer_wire.h"

namespace melete {

class ChatSurface : public Surface {
 public:
  std::optional<Parsed> parse(const Json& body, std::optional<ApiError>& problem) const override;
  HttpResponse refuse(const ApiError& error, const HttpRequest&) const override {
    return openai_response(error);
  }
};

}  // namespace melete
