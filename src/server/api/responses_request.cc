#include "server/api/responses_request.h"

#include "server/api/chat_tools.h"

namespace melete {
namespace {

constexpr size_t kMaxMetadata = 16, kMaxMetadataKey = 64, kMaxMetadataValue = 512;

Json or_null(const Json* value) { return value ? *value : Json(); }

Json or_null(const std::optional<std::string>& text) { return text ? Json(*text) : Json(); }

void read_input(WireReader& body, ResponsesRequest& request) {
  const Json* input = body.find("input");
  if (!input) return body.fail("input", "missing_required_parameter", "must be given");
  if (input->is_string()) {
    Json part = {{"type", "input_text"}, {"text", *input}};
    request.input.push_back(
        {{"type", "message"}, {"role", "user"}, {"content", Json::array({std::move(part)})}});
  } else if (!input->is_array()) {
    body.fail("input", "invalid_type", cat("must be a string or an array of items, got ", type_name(*input)));
  } else if (input->empty() && !body.has("previous_response_id")) {
    body.fail("input", "invalid_value", "must have at least one item, got none");
  } else {
    request.input = *input;
  }
}

// What the schema of a response has words for.
Json told_effort(const std::optional<std::string>& effort) {
  if (!effort) return nullptr;
  if (*effort == "minimal") return "low";
  return *effort == "max" ? "xhigh" : *effort;
}

void read_reasoning(WireReader& body, ResponsesRequest& request, std::optional<ApiError>& problem) {
  Json& told = request.echo["reasoning"];
  told = {{"effort", nullptr}, {"summary", nullptr}};
  const Json* given = body.object("reasoning");
  if (!given) return;
  WireReader reader(*given, "reasoning", problem);
  request.options.effort_path = reader.path_of("effort");
  if (const auto effort = reader.choice("effort", effort_names()))
    request.options.effort = effort_names()[*effort];
  const std::vector<std::string> kSummaries = {"auto", "concise", "detailed"};
  auto summary = reader.choice("summary", kSummaries);
  if (const auto former = reader.choice("generate_summary", kSummaries); former && !summary) summary = former;
  request.summarises = summary.has_value();
  told["effort"] = told_effort(request.options.effort);
  if (summary) told["summary"] = kSummaries[*summary];
  reader.finish();
}

void read_format(WireReader& text, ResponsesRequest& request, std::optional<ApiError>& problem) {
  Json& told = request.echo["text"]["format"];
  told = {{"type", "text"}};
  const Json* given = text.object("format");
  if (!given) return;
  WireReader format(*given, text.path_of("format"), problem);
  format.require("type");
  const auto type = format.choice("type", {"text", "json_object", "json_schema"});
  AnswerOptions& options = request.options;
  options.grammar_path = text.path_of("format");
  if (type == 1u) {
    options.grammar = GrammarSource{GrammarKind::json_object, ""};
    told = {{"type", "json_object"}};
  } else if (type == 2u) {
    const auto name = format.text("name"), description = format.text("description");
    const bool strict = format.flag("strict").value_or(false);
    // Without a schema any object will do. The schema of a response has no room for it, so it isn't repeated.
    options.grammar = GrammarSource{GrammarKind::json_object, ""};
    if (const Json* schema = format.object("schema")) {
      options.grammar_path = format.path_of("schema");
      options.grammar = GrammarSource{GrammarKind::json_schema, schema->dump()};
    }
    told = {{"type", "json_schema"},
            {"name", name.value_or("response")},
            {"description", or_null(description)},
            {"schema", nullptr},
            {"strict", strict}};
  }
  format.finish();
}

void read_text(WireReader& body, ResponsesRequest& request, std::optional<ApiError>& problem) {
  request.echo["text"] = {{"format", {{"type", "text"}}}, {"verbosity", "medium"}};
  const Json* given = body.object("text");
  if (!given) return;
  WireReader text(*given, "text", problem);
  text.refuse("verbosity", "medium", "isn't possible; say in the question how long the answer should be");
  read_format(text, request, problem);
  text.finish();
}

void read_metadata(WireReader& body, Json& echo) {
  const Json* given = body.object("metadata");
  echo["metadata"] = given ? *given : Json::object();
  if (!given) return;
  if (given->size() > kMaxMetadata)
    body.fail("metadata", "invalid_value",
              cat("must have at most ", kMaxMetadata, " members, got ", given->size()));
  for (const auto& [name, value] : given->items()) {
    const std::string path = "metadata." + name;
    if (!value.is_string())
      body.fail(path, "invalid_type", cat("must be a string, got ", type_name(value)));
    else if (name.size() > kMaxMetadataKey || value.get_ref<const std::string&>().size() > kMaxMetadataValue)
      body.fail(path, "invalid_value",
                cat("must have a name of at most ", kMaxMetadataKey, " bytes and at most ", kMaxMetadataValue,
                    " bytes of text"));
  }
}

// What a response tells of its tools: every member is there, if only as null.
void tell_tools(WireReader& body, Json& echo) {
  echo["tools"] = Json::array();
  const Json* tools = body.array("tools");
  for (size_t i = 0; tools && i < tools->size() && !body.failed(); ++i) {
    Json told = {
        {"type", "function"}, {"description", nullptr}, {"parameters", nullptr}, {"strict", nullptr}};
    told.update((*tools)[i]);
    echo["tools"].push_back(std::move(told));
  }
  const Json* choice = body.find("tool_choice");
  echo["tool_choice"] = choice ? *choice : Json("auto");
  if (choice && choice->is_object() && choice->value("type", "") == "allowed_tools" &&
      !choice->contains("mode"))
    echo["tool_choice"]["mode"] = "auto";
}

// How it is sampled, and how much of it there may be.
void read_limits(WireReader& body, ResponsesRequest& request) {
  AnswerOptions& options = request.options;
  read_sampling(body, options);
  options.presence_penalty = body.number("presence_penalty", -2, 2);
  options.frequency_penalty = body.number("frequency_penalty", -2, 2);
  request.echo["presence_penalty"] = options.presence_penalty.value_or(0);
  request.echo["frequency_penalty"] = options.frequency_penalty.value_or(0);
  options.max_tokens = body.integer("max_output_tokens", 1, 1 << 24);
  request.max_calls = body.integer("max_tool_calls", 1, 1 << 20).value_or(0);
  request.drops_oldest = body.choice("truncation", {"disabled", "auto"}) == 1u;
  request.echo["max_output_tokens"] = options.max_tokens ? Json(*options.max_tokens) : Json();
  request.echo["max_tool_calls"] = request.max_calls ? Json(request.max_calls) : Json();
  request.echo["truncation"] = request.drops_oldest ? "auto" : "disabled";
}

// For billing and caches elsewhere; they don't change an answer.
void read_neutral(WireReader& body, Json& echo) {
  body.choice("service_tier", {"auto", "default", "flex", "priority"});
  body.ignore({"user", "prompt_cache_retention"});
  echo["service_tier"] = "default";
  for (const char* name : {"safety_identifier", "prompt_cache_key"}) {
    body.text(name);
    echo[name] = or_null(body.find(name));
  }
}

// Fields that have no part here: refused where they would change the answer.
void refuse_missing_parts(WireReader& body, Json& echo) {
  body.refuse("top_logprobs", 0, "must be 0: this surface has no log-probabilities");
  echo["top_logprobs"] = 0;
  const Json* include = body.array("include");
  for (size_t i = 0; include && i < include->size(); ++i)
    // Reasoning comes as it is, which is more than its encrypted form.
    if ((*include)[i] != "reasoning.encrypted_content")
      body.fail(cat("include[", i, "]"), "unsupported_value",
                "must be reasoning.encrypted_content: this server has nothing else to include");
  body.refuse("conversation", nullptr, "isn't possible; use previous_response_id");
  for (const char* name : {"prompt", "context_management", "moderation"})
    body.refuse(name, nullptr, "isn't possible; leave it out");
}

}  // namespace

std::optional<ResponsesRequest> parse_responses_request(const Json& json, std::optional<ApiError>& problem) {
  WireReader body(json, "", problem);
  ResponsesRequest request;
  AnswerOptions& options = request.options;
  options.model = body.text("model").value_or("");
  if (options.model.empty()) options.model = cat("melete-", kDefaultMode);
  read_input(body, request);
  request.instructions = body.text("instructions");
  request.previous = body.text("previous_response_id").value_or("");
  request.store = body.flag("store");
  request.stream = body.flag("stream").value_or(false);
  request.background = body.flag("background").value_or(false);
  if (const Json* given = body.object("stream_options")) {
    WireReader reader(*given, "stream_options", problem);
    reader.ignore({"include_obfuscation"});
    reader.finish();
  }
  if (request.background && request.store == false)
    body.fail("background", "invalid_value", "must be false where store is: nobody could ask for the answer");
  read_reasoning(body, request, problem);
  read_text(body, request, problem);
  read_limits(body, request);
  read_tools(body, ToolForm::flat, options, problem);
  if (request.max_calls == 1) options.parallel_calls = false;
  read_metadata(body, request.echo);
  tell_tools(body, request.echo);
  read_neutral(body, request.echo);
  refuse_missing_parts(body, request.echo);
  read_extension(body, options, problem);
  if (options.events && !request.stream && !request.background)
    body.fail("melete.events", "invalid_value", "may only be true with stream");
  body.finish();
  if (problem) return std::nullopt;
  request.echo.update({{"model", options.model},
                       {"instructions", or_null(request.instructions)},
                       {"previous_response_id", request.previous.empty() ? Json() : Json(request.previous)},
                       {"parallel_tool_calls", options.parallel_calls},
                       {"background", request.background}});
  return request;
}

}  // namespace melete
