// Has the agents of a run follow what is wanted of it: the request's wishes and its deadline.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/agent_run.h"
#include "agent/ballot.h"

namespace melete {

using AgentRuns = std::vector<std::unique_ptr<AgentRun>>;

class Steering {
 public:
  // All outlive this object. ballot: null where nothing is voted on.
  Steering(const Request& request, const AgentRuns& agents, Ballot<AgentRun>* ballot, EventLog& log)
      : request_(request), agents_(agents), ballot_(ballot), log_(log) {}

  // Before each step. An agent without room to close its reasoning abstains, and `room` says so. Errors: all
  // others of AgentRun::hurry().
  Status follow(bool is_deadline_near, Status& room);

 private:
  void take(const Steer& steer);

  const Request& request_;
  const AgentRuns& agents_;
  Ballot<AgentRun>* ballot_;
  EventLog& log_;
  std::set<int32_t> hurried_;  // agents that are to answer now
};

// `status`, but what says that an agent has no room goes into `room`.
Status pass_room(Status status, Status& room);

}  // namespace melete
