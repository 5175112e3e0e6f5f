// Contemplating: N agents reason in parallel over one prefilled prompt and vote; the run stops as soon as the
// vote is certified or can't change, and returns the answer of the leading candidate's most confident agent.
//
// Sources: self-consistency 2203.11171; anytime-valid stopping: agent/vote.h; confidence as the mean of minus
// the top-20 log-probabilities, DeepConf 2508.15260. Votes are counted in the agents' order, so that the
// certificate holds and a replay decides the same.
#include <algorithm>

#include "agent/answer_key.h"
#include "agent/modes/single_agent.h"
#include "agent/vote.h"

namespace melete {
namespace {

constexpr double kAgentTemperature = 0.7;

using Agents = std::vector<std::unique_ptr<AgentRun>>;

// An agent that hasn't finished its answer or calls has none.
std::string vote_of(const AgentRun& agent) {
  if (agent.finish() == "tool_calls") return calls_key(agent.calls());
  return agent.finish() == "stop" ? answer_key(agent.answer()) : std::string();
}

bool has_output(const AgentRun& agent) { return !agent.answer().empty() || !agent.calls().empty(); }

// Counts the finished agents from the first on, and stops at the first that still works.
class Ballot {
 public:
  Ballot(const Agents& agents, double delta) : agents_(agents), vote_(delta) {}

  // True if the vote is decided.
  bool count(EventLog& log) {
    while (next_ < agents_.size() && agents_[next_]->done() && decision_.empty()) {
      const AgentRun& agent = *agents_[next_++];
      vote_.put(vote_of(agent));
      Json counts = Json::object();
      for (const Vote::Candidate& candidate : vote_.candidates()) counts[candidate.key] = candidate.votes;
      log.put(agent.id(), "vote.updated", agent.reasoning_tokens() + agent.answer_tokens(),
              {{"counts", counts}, {"e_value", vote_.leader_e_value()}, {"certified", vote_.certified()}});
      const auto remaining = static_cast<int64_t>(agents_.size() - next_);
      if (remaining == 0)
        decision_ = "complete";
      else if (vote_.certified())
        decision_ = "certified";
      else if (vote_.locked(remaining))
        decision_ = "locked";
    }
    return !decision_.empty();
  }

  const Vote& vote() const { return vote_; }
  const std::string& decision() const { return decision_; }

  // The most confident of the counted agents of the leading candidate (who else has finished by then depends
  // on how steps were scheduled); without votes, the most confident that wrote anything, or the first.
  const AgentRun& winner() const {
    const int64_t leader = vote_.leader();
    const AgentRun* best = nullptr;
    for (size_t i = 0; i < (leader >= 0 ? next_ : agents_.size()); ++i) {
      const auto& agent = agents_[i];
      const bool votes =
          leader >= 0 && vote_of(*agent) == vote_.candidates()[static_cast<size_t>(leader)].key;
      if (leader >= 0 ? !votes : !has_output(*agent)) continue;
      if (!best || agent->mean_confidence() > best->mean_confidence()) best = agent.get();
    }
    return best ? *best : *agents_.front();
  }

 private:
  const Agents& agents_;
  Vote vote_;
  size_t next_ = 0;
  std::string decision_;
};

class Contemplating : public Mode {
 public:
  std::string summary() const override {
    return "several agents reason in parallel over one prompt and vote";
  }

  Result<Answer> run(const Request& request, Services& services, EventLog& log) const override {
    const Deadline clock(request.deadline_s);
    Usage usage;
    Agents agents;
    MELETE_RETURN_IF_ERROR(spawn(request, services, log, clock, usage, agents));
    Ballot ballot(agents, request.delta);
    std::string cut;
    Status room = ok_status();
    while (!ballot.count(log) && cut.empty()) {
      services.engine.step();
      if (usage.first_token_s == 0) usage.first_token_s = clock.elapsed_s();
      MELETE_RETURN_IF_ERROR(advance(agents, clock.near(), room));
      if (request.stop_requested()) cut = "cancelled";
      if (clock.over()) cut = "deadline";
    }
    if (!ballot.decision().empty()) cut.clear();
    const std::string decision = cut.empty() ? ballot.decision() : cut;
    for (const auto& agent : agents) agent->kill(decision);
    ballot.count(log);
    if (!room.ok() && !has_output(ballot.winner())) return room.error();
    return conclude(ballot, agents, decision, cut, usage, log);
  }

 private:
  // An agent that ran out of room abstains, and `room` says so; other errors end the run.
  static Status advance(const Agents& agents, bool hurry, Status& room) {
    for (const auto& agent : agents) {
      Status status = agent->advance();
      if (status.ok() && hurry) status = agent->hurry();
      if (status.ok()) continue;
      if (status.error().kind != ErrorKind::exhausted) return status;
      room = std::move(status);
    }
    return ok_status();
  }

  static Status spawn(const Request& request, Services& services, EventLog& log, const Deadline& clock,
                      Usage& usage, Agents& agents) {
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

  static Answer conclude(const Ballot& ballot, const Agents& agents, const std::string& decision,
                         const std::string& cut, Usage usage, EventLog& log) {
    const AgentRun& winner = ballot.winner();
    Answer answer = answer_of(winner);
    if (!cut.empty()) answer.finish = cut;
    for (const Vote::Candidate& candidate : ballot.vote().candidates())
      answer.votes.push_back({candidate.key, candidate.votes});
    answer.certificate_e = ballot.vote().leader_e_value();
    answer.certified = ballot.vote().certified();
    for (const auto& agent : agents) {
      usage.reasoning_tokens += agent->reasoning_tokens();
      usage.answer_tokens += agent->answer_tokens();
      usage.forced_tokens += agent->forced_tokens();
    }
    answer.usage = usage;
    log.put(-1, "decision", 0,
            {{"rule", decision},
             {"agent", winner.id()},
             {"e_value", answer.certificate_e},
             {"certified", answer.certified}});
    return answer;
  }
};

MELETE_REGISTER_MODE("contemplating", Contemplating);

}  // namespace
}  // namespace melete
