#include "server/api/messages_surface.h"

#include "server/api/messages_request.h"
#include "server/api/messages_wire.h"
#include "server/api/wire_reader.h"
#include "server/http/request_id.h"

namespace melete {

std::optional<ApiError> MessagesSurface::check(const HttpRequest& request) const {
  const std::string_view version = request.header("anthropic-version");
  if (version.empty() || version == "2023-06-01" || version == "2026-10-21") return std::nullopt;
  return ApiError{400, "must be 2023-06-01 or 2026-10-21, got " + in_quotes(version), "anthropic-version",
                  "invalid_value"};
}

std::optional<Surface::Parsed> MessagesSurface::parse(const Json& body,
                                                      std::optional<ApiError>& problem) const {
  auto request = parse_messages_request(body, counts_, problem);
  if (!request) return std::nullopt;
  MessageEnvelope envelope{"msg_" + random_hex(12), request->options.model, 0, request->omits_thinking};
  return Parsed{
      std::move(*request),
      [envelope = std::move(envelope)](int64_t prompt_tokens) mutable -> std::unique_ptr<AnswerWire> {
        envelope.prompt_tokens = prompt_tokens;
        return std::make_unique<MessagesWire>(std::move(envelope));
      }};
}

HttpResponse MessagesSurface::refuse(const ApiError& error, const HttpRequest& request) const {
  HttpResponse response = anthropic_response(error);
  response.headers.emplace_back("request-id", request.id);
  return response;
}

}  // namespace melete
