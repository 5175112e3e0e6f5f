#include "server/api/answer_options.h"

#include <algorithm>
#include <charconv>
#include <random>

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

std::optional<ModeChoice> choose_mode(const AnswerOptions& options, std::optional<ApiError>& problem) {
  ModeChoice choice;
  const std::string prefix = "melete-";
  const bool is_mode =
      std::find(std::begin(kModeIds), std::end(kModeIds), options.model) != std::end(kModeIds);
  choice.mode = is_mode ? options.model.substr(prefix.size()) : "instant";
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
  if (effort == "max")
    choice.mode = "contemplating";
  else if (choice.mode == "instant")
    choice.mode = "thinking";
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
  run.seed = options.seed ? *options.seed : random_seed();
  if (options.delta) run.delta = *options.delta;
  if (options.deadline_ms) run.deadline_s = static_cast<double>(*options.deadline_ms) / 1000;
  const int64_t most = options.max_tokens.value_or(kDefaultMaxTokens);
  run.max_answer_tokens = most;
  if (choice.mode == "instant") return run;
  int64_t budget = reasoning_budget(choice.effort) / (choice.is_minimal ? 3 : 1);
  if (options.max_tokens) budget = std::min(budget, most / 2);
  if (options.budget_tokens)
    budget = *options.budget_tokens / (choice.mode == "contemplating" ? run.num_agents : 1);
  run.max_reasoning_tokens = std::max<int64_t>(1, budget);
  if (options.max_tokens) run.max_answer_tokens = std::max<int64_t>(1, most - run.max_reasoning_tokens);
  return run;
}

bool prepare_run(const AnswerOptions& options, const ModeChoice& choice, const ServedModel& model,
                 Request& run, std::optional<ApiError>& problem) {
  if (options.grammar) {
    auto grammar = model.chat().grammar(*options.grammar);
    if (!grammar.ok()) {
      problem = ApiError{400, "can't be held to: " + grammar.error().message, options.grammar_path,
                         "invalid_schema"};
      return false;
    }
    run.grammar = *std::move(grammar);
  }
  if (std::string wrong = melete::problem(run); !wrong.empty()) {
    problem = ApiError{400, std::move(wrong), "", "invalid_value"};
    return false;
  }
  Conversation conversation = run.conversation;
  conversation.effort = choice.mode == "instant" ? Effort::none : run.effort;
  const ChatFormat& format = model.chat().format();
  const bool reasons = choice.mode != "instant" && format.can_reason();
  const Result<Prompt> prompt = format.render(conversation, reasons ? Opening::reasoning : Opening::answer);
  if (!prompt.ok()) {
    problem = ApiError{400, prompt.error().message, "messages", "invalid_value"};
    return false;
  }
  const auto tokens = static_cast<int64_t>(prompt->tokens.size());
  if (tokens < model.facts().context_length) return true;
  problem = ApiError{400,
                     cat("must leave room for an answer in the ", model.facts().context_length, " tokens of ",
                         model.name(), ", got ", tokens, " tokens; shorten the conversation"),
                     "messages", "context_length_exceeded"};
  return false;
}

}  // namespace melete
