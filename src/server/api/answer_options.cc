#include "server/api/answer_options.h"

#include <algorithm>
#include <charconv>
#include <random>

#include "remote/remote_form.h"
#include "server/http/request_id.h"

namespace melete {
namespace {

constexpr int64_t kDefaultMaxTokens = 4096;

uint64_t random_seed() {
  // 53 bits: any JSON reader keeps the number.
  return std::stoull(random_hex(8), nullptr, 16) >> 11;
}

Effort effort_of(const std::string& name) {
  if (name == "minimal") return Effort::low;
  return parse_effort(name).value_or(Effort::medium);
}

}  // namespace

const std::vector<std::string>& effort_names() {
  static const std::vector<std::string> kNames = {"none", "minimal", "low", "medium", "high", "xhigh", "max"};
  return kNames;
}

void read_effort(WireReader& body, AnswerOptions& options) {
  options.effort_path = "reasoning_effort";
  if (const auto effort = body.choice("reasoning_effort", effort_names()))
    options.effort = effort_names()[*effort];
}

void read_sampling(WireReader& body, AnswerOptions& options) {
  options.temperature = body.number("temperature", 0, 2);
  options.top_p = body.number("top_p", 0, 1);
  options.min_p = body.number("min_p", 0, 1);
  options.top_k = body.integer("top_k", 0, 1 << 20);
  if (const auto seed = body.integer("seed", INT64_MIN, INT64_MAX))
    options.seed = static_cast<uint64_t>(*seed);
}

void read_extension(WireReader& body, AnswerOptions& options, std::optional<ApiError>& problem) {
  const Json* extension = body.object("melete");
  if (!extension) return;
  WireReader reader(*extension, body.path_of("melete"), problem);
  options.agents = reader.integer("agents", 1, 256);
  options.budget_tokens = reader.integer("budget_tokens", 1, 1 << 20);
  options.deadline_ms = reader.integer("deadline_ms", 1, 1'000'000'000);
  options.delta = reader.number("delta", 1e-6, 0.5);
  options.events = reader.flag("events").value_or(false);
  reader.finish();
}

void read_response_format(WireReader& body, AnswerOptions& options, std::optional<ApiError>& problem) {
  const Json* format = body.object("response_format");
  if (!format) return;
  WireReader reader(*format, "response_format", problem);
  reader.require("type");
  const auto type = reader.choice("type", {"text", "json_object", "json_schema"});
  options.grammar_path = "response_format";
  if (type == 1u) options.grammar = GrammarSource{GrammarKind::json_object, ""};
  if (type == 2u) {
    const Json* schema = reader.object("json_schema");
    static const Json kEmpty = Json::object();
    WireReader fields(schema ? *schema : kEmpty, "response_format.json_schema", problem);
    fields.ignore({"name", "description", "strict"});
    fields.require("schema");
    if (const Json* given = fields.object("schema")) {
      options.grammar_path = fields.path_of("schema");
      options.grammar = GrammarSource{GrammarKind::json_schema, given->dump()};
    }
    fields.finish();
  }
  reader.finish();
}

Json extension_schema() {
  return Json::parse(
      R"({"title": "Extension", "type": "object", "additionalProperties": false, "properties": {
    "agents": {"type": "integer", "minimum": 1, "maximum": 256},
    "budget_tokens": {"type": "integer", "minimum": 1},
    "deadline_ms": {"type": "integer", "minimum": 1},
    "delta": {"type": "number", "minimum": 1e-6, "maximum": 0.5},
    "events": {"type": "boolean"}}})");
}

std::optional<ModeChoice> choose_mode(const AnswerOptions& options, std::optional<ApiError>& problem) {
  ModeChoice choice;
  const std::string prefix = "melete-";
  const bool is_mode =
      std::find(std::begin(kModeIds), std::end(kModeIds), options.model) != std::end(kModeIds);
  choice.mode = is_mode ? options.model.substr(prefix.size()) : kDefaultMode;
  if (!options.effort) return choice;
  const std::string& effort = *options.effort;
  if (effort == "none") {
    choice.mode = "instant";
    return choice;
  }
  if (is_mode && choice.mode == "instant") {
    problem = ApiError{400,
                       "must be none with melete-instant, which doesn't reason, got " + in_quotes(effort) +
                           "; choose melete-thinking",
                       options.effort_path, "unsupported_value"};
    return std::nullopt;
  }
  if (effort == "max") choice.mode = "contemplating";
  choice.effort = effort_of(effort);
  choice.is_minimal = effort == "minimal";
  return choice;
}

Request make_run(const AnswerOptions& options, const ModeChoice& choice, const ServedModel& model) {
  Request run;
  run.effort = choice.effort;
  run.num_agents = static_cast<int>(options.agents.value_or(8));
  const SamplingAdvice advice = options.temperature ? SamplingAdvice{} : model.sampling();
  run.temperature = options.temperature.value_or(advice.temperature.value_or(-1));
  run.top_p = options.top_p.value_or(advice.top_p.value_or(1));
  run.top_k = options.top_k.value_or(advice.top_k.value_or(0));
  run.min_p = options.min_p.value_or(advice.min_p.value_or(0));
  run.frequency_penalty = options.frequency_penalty.value_or(0);
  run.presence_penalty = options.presence_penalty.value_or(0);
  run.seed = options.seed ? *options.seed : random_seed();
  if (options.delta) run.delta = *options.delta;
  if (options.deadline_ms) run.deadline_s = static_cast<double>(*options.deadline_ms) / 1000;
  const int64_t most = options.max_tokens.value_or(kDefaultMaxTokens);
  run.max_answer_tokens = most;
  run.conversation.tools = options.tools;
  run.tool_choice = options.tool_choice;
  run.parallel_calls = options.parallel_calls;
  run.top_log_probs = options.top_log_probs.value_or(-1);
  if (choice.mode == "instant") return run;
  int64_t budget = reasoning_budget(choice.effort) / (choice.is_minimal ? 3 : 1);
  if (options.max_tokens) budget = std::min(budget, most / 2);
  if (options.budget_tokens)
    budget = *options.budget_tokens / (choice.mode == "contemplating" ? run.num_agents : 1);
  run.max_reasoning_tokens = std::max<int64_t>(1, budget);
  if (options.max_tokens) run.max_answer_tokens = std::max<int64_t>(1, most - run.max_reasoning_tokens);
  return run;
}

namespace {

// An error of the agents' room with its place, "[tools[1].parameters] must be ...", as this body calls it.
ApiError placed_error(const Error& error, const AnswerOptions& options) {
  ApiError placed{400, error.message, "", "invalid_value"};
  if (!error.message.starts_with("[tool")) return placed;
  const size_t end = error.message.find("] ");
  placed.param = error.message.substr(1, end - 1);
  placed.message = error.message.substr(end + 2);
  if (const size_t field = placed.param.find(".parameters"); field != std::string::npos)
    placed.param.replace(field + 1, std::string_view("parameters").size(), options.schema_field);
  return placed;
}

bool add_grammar(const AnswerOptions& options, const ServedModel& model, Request& run,
                 std::optional<ApiError>& problem) {
  const auto fail = [&](ApiError error) {
    problem = std::move(error);
    return false;
  };
  if (const Status tools = check_tools(options.tools, options.tool_choice); !tools.ok())
    return fail(placed_error(tools.error(), options));
  std::optional<GrammarSource> source = options.grammar;
  if (options.tool_choice.is_held() && !model.is_remote()) {
    if (source)
      return fail(
          {400,
           cat("must leave the form of the answer free where a call must come, got ", options.grammar_path),
           "tool_choice", "invalid_value"});
    auto call = held_call_grammar(options.tools, options.tool_choice);
    if (!call.ok()) return fail(placed_error(call.error(), options));
    source = *std::move(call);
  }
  if (!source) return true;
  if (may_call(run) && model.chat().format().calls_in_answer())
    return fail({400,
                 cat("must be left out beside tools with ", model.name(),
                     ", which writes calls inside its answer; or require a call"),
                 options.grammar_path, "invalid_value"});
  auto grammar = model.chat().grammar(*source);
  if (!grammar.ok())
    return fail(
        {400, "can't be held to: " + grammar.error().message, options.grammar_path, "invalid_schema"});
  run.grammar = *std::move(grammar);
  if (model.is_remote()) run.grammar = make_remote_form(run.grammar, *source);
  return true;
}

}  // namespace

std::optional<int64_t> prepare_run(const AnswerOptions& options, const ModeChoice& choice,
                                   const ServedModel& model, Request& run, std::optional<ApiError>& problem) {
  if (!add_grammar(options, model, run, problem)) return std::nullopt;
  if (model.is_remote()) return 0;
  if (std::string wrong = melete::problem(run); !wrong.empty()) {
    problem = ApiError{400, std::move(wrong), "", "invalid_value"};
    return std::nullopt;
  }
  Conversation conversation = run.conversation;
  conversation.effort = choice.mode == "instant" ? Effort::none : run.effort;
  if (run.tool_choice.kind == ToolChoice::Kind::none) conversation.tools.clear();
  const ChatFormat& format = model.chat().format();
  const bool reasons = choice.mode != "instant" && format.can_reason();
  const Result<Prompt> prompt = format.render(conversation, reasons ? Opening::reasoning : Opening::answer);
  if (!prompt.ok()) {
    problem = ApiError{400, prompt.error().message, "messages", "invalid_value"};
    return std::nullopt;
  }
  const auto tokens = static_cast<int64_t>(prompt->tokens.size());
  if (tokens < model.facts().context_length) return tokens;
  problem = ApiError{400,
                     cat("must leave room for an answer in the ", model.facts().context_length, " tokens of ",
                         model.name(), ", got ", tokens, " tokens; shorten the conversation"),
                     "messages", "context_length_exceeded"};
  return std::nullopt;
}

int64_t most_tokens(const Request& run, const ModeChoice& choice, const ServedModel& model,
                    int64_t prompt_tokens) {
  const int64_t length = model.facts().context_length;
  const int64_t room = length == 0 ? INT64_MAX : std::max<int64_t>(0, length - prompt_tokens);
  const int64_t agents = choice.mode == "contemplating" ? run.num_agents : 1;
  return prompt_tokens + agents * std::min(run.max_reasoning_tokens + run.max_answer_tokens, room);
}

}  // namespace melete
