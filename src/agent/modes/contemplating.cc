// Contemplating: N agents reason in parallel over one prefilled prompt and vote; the run stops as soon as the
// vote is certified or can't change, and returns the answer of the leading candidate's most confident agent.
//
// Sources: self-consistency 2203.11171; anytime-valid stopping: agent/vote.h; confidence as the mean of minus
// the top-20 log-probabilities, DeepConf 2508.15260. Votes are counted in the agents' order, so that the
// certificate holds and a replay decides the same.
#include "agent/modes/single_agent.h"
#include "agent/modes/steering.h"

namespace melete {
namespace {

constexpr double kAgentTemperature = 0.7;

class Contemplating : public Mode {
 public:
  std::string summary() const override {
    return "several agents reason in parallel over one prompt and vote";
  }

  Result<Answer> run(const Request& request, Services& services, EventLog& log) const override {
    const Deadline clock(request.deadline_s);
    Usage usage;
    AgentRuns agents;
    MELETE_RETURN_IF_ERROR(spawn(request, services, log, clock, usage, agents));
    Ballot ballot(agents, request.delta);
    std::string cut;
    Steering steering(request, agents, &ballot, log);
    Status room = ok_status();
    MELETE_RETURN_IF_ERROR(steering.follow(false, room));
    while (!ballot.count(log) && cut.empty()) {
      services.engine.step();
      if (usage.first_token_s == 0) usage.first_token_s = clock.elapsed_s();
      for (const auto& agent : agents) MELETE_RETURN_IF_ERROR(pass_room(agent->advance(), room));
      if (ballot.count(log)) break;
      MELETE_RETURN_IF_ERROR(steering.follow(clock.near(), room));
      if (request.stop_requested()) cut = "cancelled";
      if (clock.over()) cut = "deadline";
    }
    if (!ballot.decision().empty()) cut.clear();
    for (const auto& agent : agents) agent->kill(cut.empty() ? ballot.decision() : cut);
    ballot.count(log);
    if (!room.ok() && !has_output(ballot.winner())) return room.error();
    return conclude_vote(ballot, agents, cut, usage, log);
  }

 private:
  static Status spawn(const Request& request, Services& services, EventLog& log, const Deadline& clock,
                      Usage& usage, AgentRuns& agents) {
    const Effort effort = request.effort == Effort::none ? Effort::low : request.effort;
    const Opening opening = reasoning_opening(request, services);
    MELETE_ASSIGN_OR_RETURN(const SequenceId first,
                            prefill_conversation(request, effort, opening, services, clock, usage));
    std::vector<SequenceId> sequences = {first};
    if (request.num_agents > 1) {
      auto children = services.engine.fork(first, request.num_agents - 1);
      if (!children.ok()) {
        services.engine.release(first);
        return children.error();
      }
      sequences.insert(sequences.end(), children->begin(), children->end());
    }
    AgentPlan plan;
    plan.opening = opening;
    plan.temperature = request.temperature < 0 ? kAgentTemperature : request.temperature;
    plan.max_reasoning_tokens =
        request.max_reasoning_tokens > 0 ? request.max_reasoning_tokens : reasoning_budget(effort);
    for (const SequenceId sequence : sequences) {
      agents.push_back(std::make_unique<AgentRun>(services, request, plan, sequence, log));
      ++plan.id;
    }
    return ok_status();
  }
};

MELETE_REGISTER_MODE("contemplating", Contemplating);

}  // namespace
}  // namespace melete
