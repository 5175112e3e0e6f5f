#include "eval/runner.h"

#include <algorithm>
#include <numeric>

#include "agent/agent_run.h"

namespace melete {
namespace {

// One question on its way: the request must outlive the agent that refers to it.
struct Flight {
  size_t item;
  std::unique_ptr<Request> request;
  std::unique_ptr<AgentRun> agent;
};

Result<Flight> take_off(const Suite& suite, size_t item, const AskPlan& plan, Assistant& assistant,
                        EventLog& log) {
  const bool thinking = plan.mode == "thinking";
  Flight flight{item, std::make_unique<Request>(), nullptr};
  flight.request->max_answer_tokens = plan.max_answer_tokens;
  Conversation conversation;
  conversation.effort = thinking ? plan.effort : Effort::none;
  conversation.messages.push_back(plan.blind ? suite.items[item].blind_message : suite.items[item].message);
  AgentPlan agent;
  Services services = assistant.services();
  agent.opening = thinking && services.format.can_reason() ? Opening::reasoning : Opening::answer;
  agent.max_reasoning_tokens = thinking ? reasoning_budget(plan.effort) : 0;
  MELETE_ASSIGN_OR_RETURN(const Prompt prompt, services.format.render(conversation, agent.opening));
  MELETE_ASSIGN_OR_RETURN(const SequenceId sequence, services.engine.prefill(prompt));
  flight.agent = std::make_unique<AgentRun>(services, *flight.request, agent, sequence, log);
  return flight;
}

}  // namespace

double AskResult::accuracy() const {
  if (scores.empty()) return 0;
  return std::accumulate(scores.begin(), scores.end(), 0.0) / static_cast<double>(scores.size());
}

Interval AskResult::interval() const {
  return wilson_interval(std::accumulate(scores.begin(), scores.end(), 0.0),
                         static_cast<int64_t>(scores.size()));
}

Result<AskResult> ask_suite(const Suite& suite, const AskPlan& plan, Assistant& assistant) {
  if (plan.mode != "instant" && plan.mode != "thinking")
    return invalid_argument("[--mode] must be instant or thinking, got ", plan.mode, "; choose one");
  AskResult result;
  result.scores.assign(suite.items.size(), 0);
  result.answers.resize(suite.items.size());
  EventLog log({});
  std::vector<Flight> flights;
  size_t next = 0;
  while (next < suite.items.size() || !flights.empty()) {
    if (plan.stop_requested()) return cancelled("[eval] must run to its end, got a stop; run it again");
    while (next < suite.items.size() &&
           static_cast<int64_t>(flights.size()) < std::max<int64_t>(1, plan.batch)) {
      auto flight = take_off(suite, next, plan, assistant, log);
      // Where the cache is full the question waits for others to land; what can't be asked alone is an error.
      if (!flight.ok() && flight.error().kind == ErrorKind::exhausted && !flights.empty()) break;
      if (!flight.ok()) return flight.error();
      flights.push_back(*std::move(flight));
      ++next;
    }
    assistant.services().engine.step();
    for (Flight& flight : flights) {
      MELETE_RETURN_IF_ERROR(flight.agent->advance());
      if (!flight.agent->done()) continue;
      result.answers[flight.item] = flight.agent->answer();
      result.scores[flight.item] =
          suite.task->verify(suite.items[flight.item].question, flight.agent->answer());
      result.reasoning_tokens += flight.agent->reasoning_tokens();
      result.answer_tokens += flight.agent->answer_tokens();
      plan.on_answer();
    }
    std::erase_if(flights, [](const Flight& flight) { return flight.agent->done(); });
  }
  return result;
}

}  // namespace melete
