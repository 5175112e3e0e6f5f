// The run is its log: every mode appends Events; terminal, JSON output, file, API stream and panel are sinks
// of the same events. A log cut at any byte is a valid prefix. Decisions carry token indices, never times.
//
// Kinds and their data:
//   run.request      before a run that is kept, in its file alone: see run_record.h
//   run.started      mode, effort, agents, seed
//   agent.spawned    seed, temperature, max_reasoning_tokens, max_answer_tokens
//   agent.delta      channel and text. "reasoning", "commentary" (said in passing, between calls), "answer",
//                    and "tool_call", the next piece of the arguments of a call that a grammar holds, as
//                    spelled JSON, with the call's id and name. Of an answer whose log-probabilities are
//                    asked for, tokens: those that have come since the last such delta
//   agent.tool_call  id, name, arguments: a call, whole
//   mark.added       kind, label, at, text_bytes, channel: what the text points at
//                    on: the file that the text named last, as "picture 2"; left out if it
//                    named none
//   agent.closed     forced_tokens; by: "budget", "deadline" or "user": the reasoning was closed
//   agent.pinned     this agent's answer is to win
//   agent.finished   finish, answer, reasoning_tokens, answer_tokens, confidence; tool_calls if there are any
//   agent.killed     reason (the vote's decision, "deadline", "cancelled", "user", "pinned"), answer;
//                    tool_calls if there are any
//   vote.updated     counts, e_value, certified
//   decision         rule, agent, e_value, certified
//   meter            tokens, seconds, processor time and memory of the run
//   run.completed    agent, answer, finish; tool_calls if there are any
//   run.failed       kind, message
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"

namespace melete {

struct Event {
  uint64_t seq = 0;   // 0, 1, 2 ... within a run
  int32_t agent = 0;  // -1: the run itself
  std::string kind;
  int64_t token_index = 0;  // of that agent when the event happened
  Json data;
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  // Keeps its own failures (a full disk) and must not throw: that ends the run.
  virtual void put(const Event& event) = 0;
};

}  // namespace melete
