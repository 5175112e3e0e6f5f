#include "agent/modes/single_agent.h"

#include "agent/modes/steering.h"

namespace melete {

Result<SequenceId> prefill_conversation(const Request& request, Effort effort, Opening opening,
                                        Services& services, const Deadline& clock, Usage& usage) {
  Conversation conversation = request.conversation;
  conversation.effort = effort;
  if (request.tool_choice.kind == ToolChoice::Kind::none) conversation.tools.clear();
  MELETE_ASSIGN_OR_RETURN(const Prompt prompt, services.format.render(conversation, opening));
  MELETE_ASSIGN_OR_RETURN(const SequenceId sequence, services.engine.prefill(prompt));
  usage.prompt_tokens = static_cast<int64_t>(prompt.tokens.size());
  usage.prefill_s = clock.elapsed_s();
  return sequence;
}

Result<Answer> run_single_agent(const Request& request, Effort effort, const AgentPlan& plan,
                                Services& services, EventLog& log) {
  const Deadline clock(request.deadline_s);
  Usage usage;
  MELETE_ASSIGN_OR_RETURN(const SequenceId sequence,
                          prefill_conversation(request, effort, plan.opening, services, clock, usage));
  AgentRuns agents;
  agents.push_back(std::make_unique<AgentRun>(services, request, plan, sequence, log));
  AgentRun& agent = *agents.front();
  Steering steering(request, agents, nullptr, log);
  Status room = ok_status();
  std::string cut;
  MELETE_RETURN_IF_ERROR(steering.follow(false, room));
  while (!agent.done()) {
    services.engine.step();
    if (usage.first_token_s == 0) usage.first_token_s = clock.elapsed_s();
    MELETE_RETURN_IF_ERROR(agent.advance());
    MELETE_RETURN_IF_ERROR(steering.follow(clock.near(), room));
    MELETE_RETURN_IF_ERROR(room);
    if (agent.done()) break;
    if (request.stop_requested()) cut = "cancelled";
    if (clock.over()) cut = "deadline";
    if (!cut.empty()) agent.kill(cut);
  }
  Answer answer = answer_of(agent);
  if (!cut.empty()) answer.finish = cut;
  usage.reasoning_tokens = agent.reasoning_tokens();
  usage.answer_tokens = agent.answer_tokens();
  usage.forced_tokens = agent.forced_tokens();
  answer.usage = usage;
  return answer;
}

}  // namespace melete
