#include "server/api/chat_surface.h"

#include <chrono>

#include "base/build_info.h"
#include "server/api/chat_request.h"
#include "server/api/chat_wire.h"
#include "server/http/request_id.h"

namespace melete {
namespace {

ChatEnvelope make_envelope(const std::string& model) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {"chatcmpl-" + random_hex(12), std::chrono::duration_cast<std::chrono::seconds>(now).count(), model,
          cat("melete-", build_version(), "-", build_commit())};
}

}  // namespace

std::optional<Surface::Parsed> ChatSurface::parse(const Json& body, std::optional<ApiError>& problem) const {
  auto request = parse_chat_request(body, problem);
  if (!request) return std::nullopt;
  const ChatWire::Options options{request->choices, request->include_usage,
                                  request->options.top_log_probs.has_value()};
  const std::string model = request->options.model;
  return Parsed{std::move(*request), [model, options](int64_t) -> std::unique_ptr<AnswerWire> {
                  return std::make_unique<ChatWire>(make_envelope(model), options);
                }};
}

}  // namespace melete
