#include "server/api/api_error.h"

#include <algorithm>

namespace melete {
namespace {

const char* openai_type(int status) {
  if (status == 401) return "authentication_error";
  if (status == 403) return "permission_error";
  if (status == 404) return "not_found_error";
  if (status == 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

const char* anthropic_type(int status) {
  if (status == 413) return "request_too_large";
  if (status == 503) return "overloaded_error";
  return status < 500 ? openai_type(status) : "api_error";
}

std::string with_place(const ApiError& error) {
  return error.param.empty() ? error.message : error.param + " " + error.message;
}

HttpResponse response_of(const ApiError& error, const Json& body) {
  HttpResponse response;
  response.status = error.status;
  response.body = json_text(body);
  if (error.status == 429 || error.status == 503)
    response.headers.emplace_back("Retry-After", cat(std::max<int64_t>(1, error.retry_after_s)));
  return response;
}

}  // namespace

ApiError api_error(const Error& error) {
  return {http_status(error.kind), error.message, "", error.kind == ErrorKind::exhausted ? "exhausted" : ""};
}

ApiError quota_error(const Error& error, int64_t retry_after_s) {
  if (error.kind != ErrorKind::exhausted) return api_error(error);
  return {429, error.message, "", "quota_exceeded", retry_after_s};
}

Json openai_error(const ApiError& error) {
  const auto text_or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  return {{"error",
           {{"message", with_place(error)},
            {"type", openai_type(error.status)},
            {"param", text_or_null(error.param)},
            {"code", text_or_null(error.code)}}}};
}

HttpResponse openai_response(const ApiError& error) { return response_of(error, openai_error(error)); }

Json anthropic_error(const ApiError& error) {
  return {{"type", "error"},
          {"error", {{"type", anthropic_type(error.status)}, {"message", with_place(error)}}}};
}

HttpResponse anthropic_response(const ApiError& error) { return response_of(error, anthropic_error(error)); }

HttpResponse error_response(std::string_view path, const ApiError& error) {
  const bool is_anthropic = path == "/v1/messages" || path.starts_with("/v1/messages/");
  return is_anthropic ? anthropic_response(error) : openai_response(error);
}

}  // namespace melete
