// The vote of agents that work side by side, whatever makes them answer: counts them in their order, says
// when the vote is decided, and whose answer it is.
//
// Agent: done(), id(), finish(), answer(), calls(), mean_confidence(), reasoning_tokens(), answer_tokens().
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/answer_key.h"
#include "agent/event_log.h"
#include "agent/mode.h"
#include "agent/vote.h"

namespace melete {

// An agent that hasn't finished its answer or calls has none.
template <typename Agent>
std::string vote_of(const Agent& agent) {
  if (agent.finish() == "tool_calls") return calls_key(agent.calls());
  return agent.finish() == "stop" ? answer_key(agent.answer()) : std::string();
}

template <typename Agent>
bool has_output(const Agent& agent) {
  return !agent.answer().empty() || !agent.calls().empty();
}

// Counts the finished agents from the first on, and stops at the first that still works.
template <typename Agent>
class Ballot {
 public:
  // delta: the largest chance of a false certificate.
  Ballot(const std::vector<std::unique_ptr<Agent>>& agents, double delta) : agents_(agents), vote_(delta) {}

  // From now on this agent's answer wins, as soon as it has ended, and votes decide nothing. False: another
  // one has been pinned, or the vote is decided.
  bool pin(int32_t agent) {
    if (pinned_ || !decision_.empty()) return false;
    pinned_ = agents_[static_cast<size_t>(agent)].get();
    return true;
  }

  // True if it is decided whose answer wins. Puts vote.updated for each agent counted.
  bool count(EventLog& log) {
    while (next_ < agents_.size() && agents_[next_]->done() && (decision_.empty() || pinned_)) {
      const Agent& agent = *agents_[next_++];
      vote_.put(vote_of(agent));
      Json counts = Json::object();
      for (const Vote::Candidate& candidate : vote_.candidates()) counts[candidate.key] = candidate.votes;
      log.put(agent.id(), "vote.updated", agent.reasoning_tokens() + agent.answer_tokens(),
              {{"counts", counts}, {"e_value", vote_.leader_e_value()}, {"certified", vote_.certified()}});
      const auto remaining = static_cast<int64_t>(agents_.size() - next_);
      if (pinned_) continue;
      if (remaining == 0)
        decision_ = "complete";
      else if (vote_.certified())
        decision_ = "certified";
      else if (vote_.locked(remaining))
        decision_ = "locked";
    }
    if (pinned_ && pinned_->done()) decision_ = "pinned";
    return !decision_.empty();
  }

  const Vote& vote() const { return vote_; }
  const std::string& decision() const { return decision_; }

  // The most confident of the counted agents of the leading candidate (who else has finished by then depends
  // on how the agents' steps were scheduled); without votes, the most confident that wrote anything, or the
  // first. The pinned agent, if there is one.
  const Agent& winner() const {
    if (pinned_) return *pinned_;
    const int64_t leader = vote_.leader();
    const Agent* best = nullptr;
    for (size_t i = 0; i < (leader >= 0 ? next_ : agents_.size()); ++i) {
      const Agent& agent = *agents_[i];
      const bool votes = leader >= 0 && vote_of(agent) == vote_.candidates()[static_cast<size_t>(leader)].key;
      if (leader >= 0 ? !votes : !has_output(agent)) continue;
      if (!best || agent.mean_confidence() > best->mean_confidence()) best = &agent;
    }
    return best ? *best : *agents_.front();
  }

 private:
  const std::vector<std::unique_ptr<Agent>>& agents_;
  Vote vote_;
  const Agent* pinned_ = nullptr;
  size_t next_ = 0;
  std::string decision_;
};

// Pins the agent that is wanted, and ends the others unless the wish has a number of tokens; puts
// agent.pinned. Nothing if there is no such agent, or it is too late.
template <typename Agent>
void pin_agent(Ballot<Agent>& ballot, const std::vector<std::unique_ptr<Agent>>& agents, const Steer& steer,
               EventLog& log) {
  if (steer.agent < 0 || steer.agent >= std::ssize(agents) || !ballot.pin(steer.agent)) return;
  const Agent& pinned = *agents[static_cast<size_t>(steer.agent)];
  log.put(pinned.id(), "agent.pinned", pinned.num_tokens(), Json::object());
  if (steer.tokens >= 0) return;
  for (const auto& agent : agents)
    if (agent.get() != &pinned) agent->kill("pinned");
}

// The run's answer: the winner's, with the votes and all agents' tokens. `cut`: what ended the run before its
// vote, or empty. Puts the decision.
template <typename Agent>
Answer conclude_vote(const Ballot<Agent>& ballot, const std::vector<std::unique_ptr<Agent>>& agents,
                     const std::string& cut, Usage usage, EventLog& log) {
  const Agent& winner = ballot.winner();
  Answer answer = answer_of(winner);
  if (!cut.empty()) answer.finish = cut;
  for (const Vote::Candidate& candidate : ballot.vote().candidates())
    answer.votes.push_back({candidate.key, candidate.votes});
  answer.certificate_e = ballot.vote().leader_e_value();
  // The certificate is the leader's, which a pinned agent's answer needn't be.
  const int64_t leader = ballot.vote().leader();
  answer.certified = ballot.vote().certified() &&
                     ballot.vote().candidates()[static_cast<size_t>(leader)].key == vote_of(winner);
  for (const auto& agent : agents) {
    usage.reasoning_tokens += agent->reasoning_tokens();
    usage.answer_tokens += agent->answer_tokens();
    usage.forced_tokens += agent->forced_tokens();
  }
  answer.usage = usage;
  log.put(-1, "decision", 0,
          {{"rule", cut.empty() ? ballot.decision() : cut},
           {"agent", winner.id()},
           {"e_value", answer.certificate_e},
           {"certified", answer.certified}});
  return answer;
}

}  // namespace melete
