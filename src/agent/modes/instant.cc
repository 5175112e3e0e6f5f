// Instant: the answer at once, no reasoning at all.
#include "agent/modes/single_agent.h"

namespace melete {
namespace {

class Instant : public Mode {
 public:
  std::string summary() const override { return "answers at once, without reasoning"; }

  Result<Answer> run(const Request& request, Services& services, EventLog& log) const override {
    AgentPlan plan;
    plan.opening = answer_opening(request, services);
    plan.temperature = std::max(0.0, request.temperature);
    return run_single_agent(request, Effort::none, plan, services, log);
  }
};

MELETE_REGISTER_MODE("instant", Instant);

}  // namespace
}  // namespace melete
