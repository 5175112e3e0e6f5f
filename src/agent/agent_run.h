// One agent at work: a sequence of the engine that reasons within a budget, is closed when the budget ends,
// answers or calls tools, and reports every piece as an event. Its answer ends with the answer's message, the
// turn, or max_answer_tokens. With a grammar the answer is a run of its own, so that the constraint begins
// with it: when the model ends its reasoning, what begins the answer is written for it, unless it may call
// tools with messages of their own; then it writes that itself.
//
// Calls and what is said in passing count as answer: no reasoning budget cuts them.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "agent/mode.h"

namespace melete {

struct AgentPlan {
  int32_t id = 0;
  Opening opening = Opening::answer;
  double temperature = 0;
  int64_t max_reasoning_tokens = 0;
};

class AgentRun {
 public:
  // `sequence` is prefilled up to the plan's opening (reasoning only where the format can reason) and belongs
  // to this object, which releases it; request and log outlive it. Reasoning is cut so far that closing it
  // and an answer fit the context. Puts agent.spawned.
  AgentRun(Services services, const Request& request, const AgentPlan& plan, SequenceId sequence,
           EventLog& log);
  ~AgentRun();
  AgentRun(const AgentRun&) = delete;
  AgentRun& operator=(const AgentRun&) = delete;

  // After each Engine::step(): closes reasoning whose budget is spent, and notices the end. Errors: exhausted
  // (no room left to close the reasoning), unavailable (an event sink threw); the agent is then done and its
  // pages are free.
  Status advance();
  // Stops at once and releases the pages, keeping what was written; puts agent.killed. Nothing if done.
  void kill(const std::string& reason);
  // Closes the reasoning now and asks for the answer; `by` says who wants that. Nothing once the answer has
  // begun. Errors: as advance().
  Status hurry(const std::string& by);
  // Answers or ends when it has the wish's number of tokens. Nothing if it has more.
  void appoint(const Steer& steer);
  // Before the first step: what is to be done with no tokens. Errors: as advance().
  Status keep_appointments();

  bool done() const { return done_; }
  int64_t num_tokens() const { return tokens_; }  // sampled
  int32_t id() const { return plan_.id; }
  const std::string& answer() const { return answer_; }  // with location tokens
  const std::string& reasoning() const { return reasoning_; }
  const std::string& commentary() const { return commentary_; }
  const std::vector<IssuedCall>& calls() const { return calls_; }
  const std::vector<AnswerToken>& tokens() const { return told_tokens_; }
  const std::vector<TextMark>& marks() const { return marks_; }
  const std::string& finish() const {
    return finish_;
  }  // "stop", "tool_calls", "length", "exhausted", "failed", "cancelled", "blocked"
  int64_t reasoning_tokens() const { return reasoning_tokens_; }
  int64_t answer_tokens() const { return answer_tokens_; }
  int64_t forced_tokens() const { return forced_tokens_; }
  double mean_confidence() const { return tokens_ ? confidence_sum_ / static_cast<double>(tokens_) : 0; }

 private:
  void start(int64_t max_tokens);
  bool take(const SampledToken& token);
  void note_token(const SampledToken& token);
  void take_events(const std::vector<ChannelEvent>& events);
  void take_answer(const std::string& text);
  void take_call(const std::string& name, const Json& arguments);
  void put_reasoning(MarkParser::Output out);
  void put_commentary(MarkParser::Output out);
  void put_answer(MarkParser::Output out);
  void put_held(const std::string& text);
  void put_output(MarkParser::Output out, const char* channel, Json more = Json::object());
  bool is_over() const;
  bool spends_answer() const;
  bool budget_spent() const;
  bool must_close_for_grammar() const;
  bool waits_for_grammar() const;
  bool is_due(const Steer& appointment) const { return appointment.tokens == tokens_; }
  bool can_hurry() const;
  Status close_reasoning(const std::string& by);
  Status begin_answer();
  std::vector<int32_t> closing_tokens(Opening next) const;
  std::shared_ptr<const TokenConstraint> constraint() const;
  std::string next_call_id() const;
  void flush();
  void settle_held_call();
  Json with_calls(Json data) const;
  void finish_with(const std::string& reason);
  Status fail(Error error);
  void release();

  Services services_;
  const Request& request_;
  AgentPlan plan_;
  SequenceId sequence_;
  EventLog& log_;
  std::unique_ptr<OutputParser> parser_;
  const bool chooses_;  // the model addresses its messages to tools or the user itself
  MarkParser reasoning_marks_, commentary_marks_, answer_marks_;
  HeldCall held_;
  bool in_answer_ = false;  // the answer or a call has begun: no reasoning is closed from now on
  bool answered_ = false, between_messages_ = false;
  bool done_ = false, released_ = false, closing_ = false, constrained_ = false;
  std::string answer_, reasoning_, commentary_, finish_;
  std::vector<TextMark> marks_;
  std::vector<IssuedCall> calls_;
  std::vector<AnswerToken> new_tokens_, told_tokens_;  // of the answer's text: not in an event yet, and all
  int64_t header_room_ = 0;   // tokens that a header may take beyond the reasoning's budget
  int64_t answer_limit_ = 0;  // of answer_tokens_
  uint64_t num_starts_ = 0;
  int64_t tokens_ = 0, reasoning_tokens_ = 0, answer_tokens_ = 0, forced_tokens_ = 0;
  int32_t last_token_ = -1;
  double confidence_sum_ = 0;
  Steer closing_appointment_, end_appointment_;  // below 0 tokens: none
};

// The agent's answer as the API gives it: text, marks in Muse's JSON form where it is nothing but marks.
Answer answer_of(const AgentRun& run);

}  // namespace melete
