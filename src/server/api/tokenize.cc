#include "server/api/tokenize.h"

#include "base/base64.h"
#include "server/api/wire_reader.h"
#include "text/utf8.h"

namespace melete {
namespace {

// A token may be a part of a character: then it has no text of its own.
Json token_json(const Tokenizer& tokenizer, int32_t id) {
  const std::string bytes(tokenizer.token_bytes(id));
  return {{"id", id},
          {"text", valid_utf8(bytes) == bytes ? Json(bytes) : Json()},
          {"bytes", encode_base64(bytes)}};
}

}  // namespace

void TokenizeApi::handle(ExchangePtr exchange) {
  const Status status = readers_.submit({[this, exchange] {
    if (!exchange->gone()) tokenize(*exchange);
  }});
  if (!status.ok()) exchange->respond(openai_response(api_error(status.error())));
}

void TokenizeApi::tokenize(Exchange& exchange) const {
  const auto refuse = [&](const ApiError& error) { exchange.respond(openai_response(error)); };
  std::optional<ApiError> problem;
  const auto json = take_json(exchange.request.body, problem);
  if (!json) return refuse(*problem);
  WireReader body(*json, "", problem);
  const std::string name = body.required_text("model");
  const std::string text = body.required_text("text");
  body.finish();
  if (!problem && text.size() > kMaxTokenizedBytes)
    problem = ApiError{400, cat("must have at most ", kMaxTokenizedBytes, " bytes, got ", text.size()),
                       "text", "invalid_value"};
  if (problem) return refuse(*problem);
  const auto model = models_.find(name);
  if (!model.ok()) return refuse({404, model.error().message, "model", "model_not_found"});
  if ((*model)->is_remote())
    return refuse({400,
                   cat("must be a model of this server, got ", name, ", whose tokens another server knows"),
                   "model", "unsupported_model"});
  const Tokenizer& tokenizer = (*model)->chat().tokenizer();
  Json tokens = Json::array();
  for (const int32_t id : tokenizer.encode(text)) tokens.push_back(token_json(tokenizer, id));
  exchange.respond(200, {{"model", name}, {"tokens", std::move(tokens)}});
}

Json tokenize_request_schema() {
  return Json::parse(R"({
    "type": "object",
    "required": ["model", "text"],
    "additionalProperties": false,
    "properties": {
      "model": {"type": "string", "description": "an id of /v1/models"},
      "text": {"type": "string", "description": "ordinary text: no special token comes of it"}}
  })");
}

Json tokens_schema() {
  return Json::parse(R"({
    "type": "object",
    "required": ["model", "tokens"],
    "properties": {
      "model": {"type": "string"},
      "tokens": {"type": "array", "items": {
        "type": "object",
        "required": ["id", "text", "bytes"],
        "properties": {
          "id": {"type": "integer"},
          "text": {"type": ["string", "null"], "description": "null: a part of a character"},
          "bytes": {"type": "string", "description": "base64"}}}}}
  })");
}

}  // namespace melete
