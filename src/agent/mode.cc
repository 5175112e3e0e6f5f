#include "agent/mode.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "agent/tell_run.h"
#include "base/resources.h"

namespace melete {

int64_t reasoning_budget(Effort effort) {
  switch (effort) {
    case Effort::none: return 0;
    case Effort::low: return 96;
    case Effort::medium: return 192;
    case Effort::high: return 384;
    case Effort::xhigh: return 768;
  }
  return 0;
}

std::string problem(const Request& request) {
  const auto& messages = request.conversation.messages;
  if (messages.empty() || (messages.back().role != Role::user && messages.back().role != Role::tool))
    return "[messages] must end with a user's message, got none there; add the question";
  if (request.num_agents < 1 || request.num_agents > 256)
    return cat("[agents] must be 1 to 256, got ", request.num_agents, "; choose fewer or more");
  if (!std::isfinite(request.temperature))
    return cat("[temperature] must be a number, got ", request.temperature, "; give one");
  if (!(request.top_p >= 0 && request.top_p <= 1))
    return cat("[top_p] must be 0 to 1, got ", request.top_p, "; 1 leaves nothing out");
  if (!(request.min_p >= 0 && request.min_p <= 1))
    return cat("[min_p] must be 0 to 1, got ", request.min_p, "; 0 leaves nothing out");
  for (const double penalty : {request.frequency_penalty, request.presence_penalty})
    if (!(penalty >= -2 && penalty <= 2))
      return cat("[penalty] must be -2 to 2, got ", penalty, "; 0 is none");
  if (request.top_k < 0)
    return cat("[top_k] must be at least 0, got ", request.top_k, "; 0 leaves nothing out");
  if (request.max_answer_tokens < 1)
    return cat("[max_tokens] must be at least 1, got ", request.max_answer_tokens, "; give more");
  if (request.grammar && request.max_answer_tokens <= request.grammar->shortest_tokens())
    return cat("[max_tokens] must be at least ", request.grammar->shortest_tokens() + 1,
               " for the shortest text that the grammar allows, got ", request.max_answer_tokens,
               "; give more");
  if (const Status tools = check_tools(request.conversation.tools, request.tool_choice); !tools.ok())
    return tools.error().message;
  if (request.tool_choice.is_held() && !request.grammar)
    return "[tool_choice] must come with the grammar of the call, got none; compile held_call_grammar()";
  if (!(request.delta > 0 && request.delta < 1))
    return cat("[delta] must be between 0 and 1, got ", request.delta, "; 0.1 is usual");
  return {};
}

namespace {

Json scored(const ScoredToken& token) {
  Json bytes = Json::array();
  for (const char c : token.bytes) bytes.push_back(static_cast<uint8_t>(c));
  return {{"bytes", std::move(bytes)}, {"log_prob", token.log_prob}};
}

}  // namespace

Json to_json(const AnswerToken& token) {
  Json json = scored(token.drawn);
  json["likeliest"] = Json::array();
  for (const ScoredToken& other : token.likeliest) json["likeliest"].push_back(scored(other));
  return json;
}

bool may_call(const Request& request) {
  return !request.conversation.tools.empty() && request.tool_choice.kind == ToolChoice::Kind::automatic;
}

bool may_address_tools(const Request& request, const ChatFormat& format) {
  return may_call(request) && !format.calls_in_answer();
}

Result<Answer> run_mode(const std::string& name, const Request& request, Services& services, EventLog& log) {
  const auto mode = Registry<Mode>::instance().make(name);
  if (!mode)
    return not_found("[mode] must be one of ",
                     fmt::format("{}", fmt::join(Registry<Mode>::instance().names(), ", ")), ", got ", name,
                     "; choose one of them");
  if (std::string wrong = problem(request); !wrong.empty())
    return Error{ErrorKind::invalid_argument, std::move(wrong)};
  if (may_call(request) && request.grammar && services.format.calls_in_answer())
    return invalid_argument(
        "[tools] must not stand beside a form of the answer with a model that writes calls inside its "
        "answer, "
        "got both; leave one out, or require a call");
  return tell_run(name, request, log, [&] { return mode->run(request, services, log); });
}

Result<Answer> tell_run(const std::string& mode, const Request& request, EventLog& log,
                        const std::function<Result<Answer>()>& run) {
  log.put(-1, "run.started", 0,
          {{"mode", mode},
           {"effort", name_of(request.effort)},
           {"agents", request.num_agents},
           {"seed", request.seed}});
  const auto begin = std::chrono::steady_clock::now();
  const ResourceMeter resources;
  Result<Answer> answer = run();
  if (!answer.ok()) {
    log.put(-1, "run.failed", 0,
            {{"kind", name_of(answer.error().kind)}, {"message", answer.error().message}});
    return answer;
  }
  Usage& usage = answer->usage;
  usage.total_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  usage.cpu_s = resources.cpu_s();
  usage.peak_bytes = resources.peak_bytes();
  log.put(-1, "meter", 0,
          {{"prompt_tokens", usage.prompt_tokens},
           {"reasoning_tokens", usage.reasoning_tokens},
           {"answer_tokens", usage.answer_tokens},
           {"forced_tokens", usage.forced_tokens},
           {"prefill_s", usage.prefill_s},
           {"first_token_s", usage.first_token_s},
           {"total_s", usage.total_s},
           {"cpu_s", usage.cpu_s},
           {"peak_bytes", usage.peak_bytes}});
  Json completed = {{"agent", answer->agent}, {"answer", answer->text}, {"finish", answer->finish}};
  if (!answer->tool_calls.empty()) completed["tool_calls"] = to_json(answer->tool_calls);
  log.put(-1, "run.completed", 0, std::move(completed));
  return answer;
}

}  // namespace melete
