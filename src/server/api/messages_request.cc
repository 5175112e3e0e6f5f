#include "server/api/messages_request.h"

#include <algorithm>

#include "server/api/conversation.h"
#include "server/api/messages_content.h"

namespace melete {
namespace {

bool is_mode_id(const std::string& model) {
  return std::find(std::begin(kModeIds), std::end(kModeIds), model) != std::end(kModeIds);
}

void read_stops(WireReader& body, AnswerOptions& options) {
  const Json* stops = body.array("stop_sequences");
  for (size_t i = 0; stops && i < stops->size(); ++i) {
    const Json& one = (*stops)[i];
    const std::string path = cat("stop_sequences[", i, "]");
    if (!one.is_string())
      return body.fail(path, "invalid_type", cat("must be a string, got ", type_name(one)));
    if (one.get_ref<const std::string&>().empty())
      return body.fail(path, "invalid_value", "must not be empty");
    options.stop.push_back(one.get<std::string>());
  }
  if (options.stop.size() > kMaxStops)
    body.fail("stop_sequences", "invalid_value",
              cat("must be at most ", kMaxStops, " strings, got ", options.stop.size()));
}

// Effort and form of the answer.
void read_output(WireReader& body, AnswerOptions& options, std::optional<ApiError>& problem) {
  const Json* config = body.object("output_config");
  if (!config) return;
  WireReader reader(*config, "output_config", problem);
  const std::vector<std::string> efforts = {"low", "medium", "high", "xhigh", "max"};
  if (const auto effort = reader.choice("effort", efforts)) options.effort = efforts[*effort];
  if (const Json* format = reader.object("format")) {
    WireReader fields(*format, reader.path_of("format"), problem);
    fields.choice("type", {"json_schema"});
    options.grammar_path = fields.path_of("schema");
    options.grammar = GrammarSource{GrammarKind::json_schema, fields.required_object("schema").dump()};
    fields.finish();
  }
  reader.finish();
}

void read_thinking(WireReader& body, MessagesRequest& request, std::optional<ApiError>& problem) {
  AnswerOptions& options = request.options;
  const Json* thinking = body.object("thinking");
  if (!thinking) {
    if (!options.effort && !is_mode_id(options.model)) options.effort = "none";
    return;
  }
  options.effort_path = "thinking.type";
  WireReader reader(*thinking, "thinking", problem);
  reader.require("type");
  const size_t type = reader.choice("type", {"disabled", "adaptive", "enabled"}).value_or(0);
  request.omits_thinking = reader.choice("display", {"summarized", "omitted"}) == 1u;
  if (type == 2) {
    const auto budget = reader.integer("budget_tokens", 1, 1 << 20);
    if (!reader.failed() && !budget)
      reader.fail("thinking.budget_tokens", "missing_required_parameter", "must be given");
    if (budget && options.max_tokens && *budget >= *options.max_tokens)
      reader.fail("thinking.budget_tokens", "invalid_value",
                  cat("must be less than max_tokens=", *options.max_tokens, ", got ", *budget));
    options.budget_tokens = budget;
  }
  reader.finish();
  if (type == 0)
    options.effort = "none";
  else if (!options.effort)
    options.effort = name_of(Effort::medium);
}

void read_message_tools(WireReader& body, AnswerOptions& options, std::optional<ApiError>& problem) {
  options.schema_field = "input_schema";
  const Json* tools = body.array("tools");
  for (size_t i = 0; tools && i < tools->size() && !problem; ++i) {
    WireReader tool((*tools)[i], cat("tools[", i, "]"), problem);
    tool.choice("type", {"custom"});
    Json definition = {{"name", tool.required_text("name")}};
    if (std::string wrong = problem_of_tool_name(definition["name"]); !wrong.empty())
      tool.fail(tool.path_of("name"), "invalid_value", std::move(wrong));
    if (auto description = tool.text("description")) definition["description"] = *std::move(description);
    definition["parameters"] = tool.required_object("input_schema");
    tool.flag("strict");
    // For caches and other callers than the model.
    tool.ignore(
        {"cache_control", "defer_loading", "allowed_callers", "eager_input_streaming", "input_examples"});
    tool.finish();
    options.tools.push_back(std::move(definition));
  }
  const Json* choice = body.object("tool_choice");
  if (!choice) return;
  using Choice = ToolChoice::Kind;
  WireReader reader(*choice, "tool_choice", problem);
  reader.require("type");
  constexpr Choice kKinds[] = {Choice::automatic, Choice::none, Choice::required, Choice::named};
  options.tool_choice.kind = kKinds[reader.choice("type", {"auto", "none", "any", "tool"}).value_or(0)];
  if (options.tool_choice.kind == Choice::named) options.tool_choice.name = reader.required_text("name");
  options.parallel_calls = !reader.flag("disable_parallel_tool_use").value_or(false);
  reader.finish();
}

void refuse_foreign_parts(WireReader& body) {
  for (const char* name : {"container", "mcp_servers", "context_management"})
    body.refuse(name, nullptr, "isn't possible; leave it out");
  body.object("metadata");
  // For billing and caches elsewhere; they don't change an answer.
  body.ignore({"service_tier", "cache_control", "inference_geo", "speed", "diagnostics", "user_profile_id",
               "workspace_id"});
}

}  // namespace

std::optional<MessagesRequest> parse_messages_request(const Json& json, bool is_count,
                                                      std::optional<ApiError>& problem) {
  WireReader body(json, "", problem);
  MessagesRequest request;
  AnswerOptions& options = request.options;
  options.model = body.required_text("model");
  options.max_tokens = body.integer("max_tokens", 1, 1 << 24);
  if (!is_count && !body.failed() && !options.max_tokens)
    body.fail("max_tokens", "missing_required_parameter", "must be given");
  if (auto system = read_system(body, problem)) request.messages.push_back(*std::move(system));
  if (const Json* messages = body.required_array("messages")) {
    if (messages->empty()) body.fail("messages", "invalid_value", "must have at least one message, got none");
    for (WireMessage& message : read_messages(*messages, problem))
      request.messages.push_back(std::move(message));
  }
  options.temperature = body.number("temperature", 0, 2);
  options.top_p = body.number("top_p", 0, 1);
  options.top_k = body.integer("top_k", 0, 1 << 20);
  request.stream = body.flag("stream").value_or(false);
  read_stops(body, options);
  options.effort_path = "output_config.effort";
  read_output(body, options, problem);
  read_thinking(body, request, problem);
  read_message_tools(body, options, problem);
  const auto budget = options.budget_tokens;
  read_extension(body, options, problem);
  if (!options.budget_tokens) options.budget_tokens = budget;
  if (options.events && !request.stream)
    body.fail("melete.events", "invalid_value", "may only be true with stream");
  refuse_foreign_parts(body);
  body.finish();
  if (problem) return std::nullopt;
  return request;
}

}  // namespace melete
