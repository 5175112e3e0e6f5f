#include "server/api/api_error.h"

namespace melete {
namespace {

const char* type_of(int status) {
  if (status == 401) return "authentication_error";
  if (status == 403) return "permission_error";
  if (status == 404) return "not_found_error";
  if (status == 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

}  // namespace

ApiError api_error(const Error& error) {
  return {http_status(error.kind), error.message, "", error.kind == ErrorKind::exhausted ? "exhausted" : ""};
}

Json openai_error(const ApiError& error) {
  const auto text_or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  const std::string message = error.param.empty() ? error.message : error.param + " " + error.message;
  return {{"error",
           {{"message", message},
            {"type", type_of(error.status)},
            {"param", text_or_null(error.param)},
            {"code", text_or_null(error.code)}}}};
}

HttpResponse openai_response(const ApiError& error) {
  HttpResponse response;
  response.status = error.status;
  response.body = json_text(openai_error(error));
  if (error.status == 429 || error.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace melete
