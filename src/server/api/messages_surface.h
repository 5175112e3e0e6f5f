// Anthropic's messages as a surface of answers.
#pragma once

#include "server/api/answer_wire.h"

namespace melete {

class MessagesSurface : public Surface {
 public:
  // counts: of /v1/messages/count_tokens.
  explicit MessagesSurface(bool counts) : counts_(counts) {}

  std::optional<ApiError> check(const HttpRequest& request) const override;
  std::optional<Parsed> parse(const Json& body, std::optional<ApiError>& problem) const override;
  HttpResponse refuse(const ApiError& error, const HttpRequest& request) const override;
  HttpHeaders headers(const HttpRequest& request) const override { return {{"request-id", request.id}}; }

 private:
  const bool counts_;
};

}  // namespace melete
