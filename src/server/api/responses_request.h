// The body of POST /v1/responses, read from JSON: Open Responses' fields, and ours under "melete". Pure.
#pragma once

#include <optional>
#include <string>

#include "server/api/answer_options.h"

namespace melete {

struct ResponsesRequest {
  AnswerOptions options;
  std::optional<std::string> instructions;
  Json input = Json::array();  // items, not read yet; a text is one message
  std::string previous;        // a response's id, or empty
  std::optional<bool> store;
  bool stream = false, background = false;
  bool summarises = false;    // the reasoning comes as summary too
  bool drops_oldest = false;  // "truncation": "auto"
  int64_t max_calls = 0;      // 0: any number
  Json echo;                  // the members of a response that repeat its request
};

// Nothing if `problem` is set: by a field of a wrong type, a value out of range, an unknown field, a field
// that this server has no part for. Items are read by read_items().
std::optional<ResponsesRequest> parse_responses_request(const Json& body, std::optional<ApiError>& problem);

}  // namespace melete
