// Thinking: one agent reasons first, within the effort's budget, then answers.
#include "agent/modes/single_agent.h"

namespace melete {
namespace {

class Thinking : public Mode {
 public:
  std::string summary() const override { return "reasons first, within the effort's budget, then answers"; }

  Result<Answer> run(const Request& request, Services& services, EventLog& log) const override {
    const Effort effort = request.effort == Effort::none ? Effort::low : request.effort;
    AgentPlan plan;
    plan.opening = reasoning_opening(request, services);
    plan.temperature = std::max(0.0, request.temperature);
    plan.max_reasoning_tokens =
        request.max_reasoning_tokens > 0 ? request.max_reasoning_tokens : reasoning_budget(effort);
    return run_single_agent(request, effort, plan, services, log);
  }
};

MELETE_REGISTER_MODE("thinking", Thinking);

}  // namespace
}  // namespace melete
