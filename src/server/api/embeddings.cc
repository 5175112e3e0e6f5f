#include "server/api/embeddings.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "server/accounts/charge.h"

namespace melete {
namespace {

static_assert(std::endian::native == std::endian::little, "base64 embeddings are little-endian floats");

using Input = EmbeddingsRequest::Input;

// An input of token ids.
Input read_tokens(WireReader& body, const Json& list, const std::string& path) {
  Input input{path, "", {}};
  for (size_t i = 0; i < list.size(); ++i) {
    const bool is_id = list[i].is_number_integer() && list[i] >= 0 && list[i] <= INT32_MAX;
    if (!is_id)
      body.fail(cat(path, "[", i, "]"), "invalid_type", cat("must be a token id, got ", type_name(list[i])));
    if (body.failed()) return input;
    input.tokens.push_back(list[i].get<int32_t>());
  }
  if (input.tokens.empty()) body.fail(path, "invalid_value", "must not be empty");
  return input;
}

Input read_input(WireReader& body, const Json& json, const std::string& path) {
  if (json.is_array()) return read_tokens(body, json, path);
  if (!json.is_string()) {
    body.fail(path, "invalid_type", cat("must be a string or an array of token ids, got ", type_name(json)));
    return {};
  }
  if (json.get_ref<const std::string&>().empty()) body.fail(path, "invalid_value", "must not be empty");
  return {path, json.get<std::string>(), {}};
}

void read_inputs(WireReader& body, std::vector<Input>& inputs) {
  const Json* input = body.find("input");
  if (!input) return body.fail("input", "missing_required_parameter", "must be given");
  const bool is_list = input->is_array() && !input->empty() && !input->front().is_number();
  if (!is_list) return inputs.push_back(read_input(body, *input, "input"));
  if (input->size() > kMaxEmbeddings)
    return body.fail("input", "invalid_value",
                     cat("must be at most ", kMaxEmbeddings, " texts, got ", input->size()));
  for (size_t i = 0; i < input->size() && !body.failed(); ++i)
    inputs.push_back(read_input(body, (*input)[i], cat("input[", i, "]")));
}

// The tokens of an input, within the model's vocabulary and context.
std::vector<int32_t> tokens_of(const Input& input, const ServedModel& model,
                               std::optional<ApiError>& problem) {
  const Tokenizer& tokenizer = model.chat().tokenizer();
  std::vector<int32_t> tokens = input.tokens.empty() ? tokenizer.encode(input.text) : input.tokens;
  for (const int32_t id : tokens)
    if (id >= tokenizer.vocab_size())
      problem = ApiError{400, cat("must have ids below ", tokenizer.vocab_size(), ", got ", id), input.path,
                         "invalid_value"};
  const auto count = static_cast<int64_t>(tokens.size());
  if (count >= model.facts().context_length)
    problem = ApiError{400,
                       cat("must have fewer than the ", model.facts().context_length, " tokens of ",
                           model.name(), ", got ", count),
                       input.path, "context_length_exceeded"};
  return tokens;
}

Json vector_json(const std::vector<float>& vector, bool in_base64) {
  if (!in_base64) return vector;
  return encode_base64({reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)});
}

void embed_all(Exchange& exchange, const EmbeddingsRequest& request, const ServedModel& model) {
  std::optional<ApiError> problem;
  const auto refuse = [&] { exchange.respond(openai_response(*problem)); };
  std::vector<std::vector<int32_t>> inputs;
  int64_t num_tokens = 0;
  for (const Input& input : request.inputs) {
    inputs.push_back(tokens_of(input, model, problem));
    if (problem) return refuse();
    num_tokens += static_cast<int64_t>(inputs.back().size());
  }
  if (const Status reserved = exchange.charge->reserve(num_tokens); !reserved.ok()) {
    problem = quota_error(reserved.error(), exchange.charge->retry_after_s());
    return refuse();
  }
  Json data = Json::array();
  for (const std::vector<int32_t>& tokens : inputs) {
    if (exchange.gone()) return;
    const auto vector = model.embed(tokens);
    if (!vector.ok()) {
      problem = api_error(vector.error());
      return refuse();
    }
    exchange.charge->add(static_cast<int64_t>(tokens.size()));
    const auto width = static_cast<int64_t>(vector->size());
    if (request.dimensions.value_or(width) != width) {
      problem = ApiError{400, cat("must be ", width, " with this model, got ", *request.dimensions),
                         "dimensions", "invalid_value"};
      return refuse();
    }
    data.push_back({{"object", "embedding"},
                    {"index", data.size()},
                    {"embedding", vector_json(*vector, request.in_base64)}});
  }
  exchange.charge->settle();
  const Json usage = {{"prompt_tokens", num_tokens}, {"total_tokens", num_tokens}};
  exchange.note("usage", usage);
  exchange.respond(
      200, {{"object", "list"}, {"data", std::move(data)}, {"model", request.model}, {"usage", usage}});
}

}  // namespace

std::optional<EmbeddingsRequest> parse_embeddings_request(const Json& json,
                                                          std::optional<ApiError>& problem) {
  WireReader body(json, "", problem);
  EmbeddingsRequest request;
  request.model = body.required_text("model");
  if (!body.failed()) read_inputs(body, request.inputs);
  request.in_base64 = body.choice("encoding_format", {"float", "base64"}) == 1u;
  request.dimensions = body.integer("dimensions", 1, 1 << 24);
  body.ignore({"user"});
  body.finish();
  if (problem) return std::nullopt;
  return request;
}

void EmbeddingsApi::handle(ExchangePtr exchange) {
  const Status status = runners_.submit({[this, exchange] {
    const auto refuse = [&](const ApiError& error) { exchange->respond(openai_response(error)); };
    if (exchange->gone()) return;
    std::optional<ApiError> problem;
    const auto body = take_json(exchange->request.body, problem);
    if (!body) return refuse(*problem);
    const auto request = parse_embeddings_request(*body, problem);
    if (!request) return refuse(*problem);
    const auto model = models_.find(request->model);
    if (!model.ok()) return refuse({404, model.error().message, "model", "model_not_found"});
    if ((*model)->is_remote())
      return refuse(
          {400, "must be a model on this machine, got one of another server", "model", "unsupported_model"});
    exchange->note("model", (*model)->name());
    embed_all(*exchange, *request, **model);
  }});
  if (!status.ok()) exchange->respond(openai_response(api_error(status.error())));
}

Json embeddings_request_schema() {
  return Json::parse(R"({
    "type": "object",
    "required": ["model", "input"],
    "additionalProperties": false,
    "properties": {
      "model": {"type": "string", "description": "an id of /v1/models"},
      "input": {"oneOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "minItems": 1, "items": {"type": "integer"}},
        {"type": "array", "minItems": 1, "maxItems": 256, "items": {"oneOf": [
          {"type": "string", "minLength": 1},
          {"type": "array", "minItems": 1, "items": {"type": "integer"}}]}}]},
      "encoding_format": {"enum": ["float", "base64"]},
      "dimensions": {"type": "integer", "description": "only the model's own width"},
      "user": {"type": "string", "description": "no effect"}
    }
  })");
}

Json embeddings_schema() {
  return Json::parse(R"({
    "type": "object",
    "required": ["object", "data", "model", "usage"],
    "properties": {
      "object": {"const": "list"},
      "model": {"type": "string"},
      "data": {"type": "array", "items": {"type": "object", "required": ["object", "index", "embedding"], "properties": {
        "object": {"const": "embedding"},
        "index": {"type": "integer"},
        "embedding": {"oneOf": [{"type": "array", "items": {"type": "number"}},
                                {"type": "string", "contentEncoding": "base64"}]}}}},
      "usage": {"type": "object", "properties": {
        "prompt_tokens": {"type": "integer"}, "total_tokens": {"type": "integer"}}}
    }
  })");
}

}  // namespace melete
