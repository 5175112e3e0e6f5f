// The run of one agent alone: what instant and thinking have in common.
#pragma once

#include "agent/agent_run.h"

namespace melete {

// Prefills the conversation at the plan's opening and steps until the agent ends, the deadline comes or a
// stop is asked for. At 80 % of the deadline the reasoning is closed, so that an answer comes in time.
Result<Answer> run_single_agent(const Request& request, Effort effort, const AgentPlan& plan,
                                Services& services, EventLog& log);

// What is left of a deadline: also used by contemplating.
class Deadline {
 public:
  explicit Deadline(double seconds) : seconds_(seconds), begin_(std::chrono::steady_clock::now()) {}
  double elapsed_s() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }
  bool near() const { return seconds_ > 0 && elapsed_s() >= 0.8 * seconds_; }
  bool over() const { return seconds_ > 0 && elapsed_s() >= seconds_; }

 private:
  double seconds_;
  std::chrono::steady_clock::time_point begin_;
};

// The opening of an answer without reasoning: left to the model where it may choose to write a call instead.
inline Opening answer_opening(const Request& request, const Services& services) {
  return may_address_tools(request, services.format) ? Opening::free : Opening::answer;
}

// The opening of a mode that reasons: a format that can't reason begins with the answer.
inline Opening reasoning_opening(const Request& request, const Services& services) {
  return services.format.can_reason() ? Opening::reasoning : answer_opening(request, services);
}

// Renders the conversation with `effort` and prefills it; puts prompt tokens and prefill time into usage.
Result<SequenceId> prefill_conversation(const Request& request, Effort effort, Opening opening,
                                        Services& services, const Deadline& clock, Usage& usage);

}  // namespace melete
