// One agent at work: a sequence of the engine that reasons within a budget, is closed when the budget ends,
// answers, and reports every piece as an event. Its answer ends with the answer's message, the turn, or
// max_answer_tokens. With a grammar the answer is a run of its own, so that the constraint begins with it:
// when the model ends its reasoning, what begins the answer is written for it.
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
  // Closes the reasoning now and asks for the answer (a deadline is near). Errors: as advance().
  Status hurry();

  bool done() const { return done_; }
  int32_t id() const { return plan_.id; }
  const std::string& answer() const { return answer_; }  // with location tokens
  const std::string& reasoning() const { return reasoning_; }
  const std::vector<TextMark>& marks() const { return marks_; }
  const std::string& finish() const {
    return finish_;
  }  // "stop", "length", "exhausted", "failed", "cancelled", "blocked"
  int64_t reasoning_tokens() const { return reasoning_tokens_; }
  int64_t answer_tokens() const { return answer_tokens_; }
  int64_t forced_tokens() const { return forced_tokens_; }
  double mean_confidence() const { return tokens_ ? confidence_sum_ / static_cast<double>(tokens_) : 0; }

 private:
  void start(int64_t max_tokens);
  bool take(const SampledToken& token);
  void take_events(const std::vector<ChannelEvent>& events);
  void put_reasoning(MarkParser::Output out);
  void put_answer(MarkParser::Output out);
  void put_output(MarkParser::Output out, const char* channel);
  bool budget_spent() const;
  Status close_reasoning();
  std::vector<int32_t> closing_tokens() const;
  std::shared_ptr<const TokenConstraint> constraint() const;
  void flush();
  void finish_with(const std::string& reason);
  Status fail(Error error);
  void release();

  Services services_;
  const Request& request_;
  AgentPlan plan_;
  SequenceId sequence_;
  EventLog& log_;
  std::unique_ptr<OutputParser> parser_;
  MarkParser reasoning_marks_, answer_marks_;
  bool in_answer_ = false, answered_ = false, between_messages_ = false;
  bool done_ = false, released_ = false, closing_ = false;
  std::string answer_, reasoning_, finish_;
  std::vector<TextMark> marks_;
  int64_t tokens_ = 0, reasoning_tokens_ = 0, answer_tokens_ = 0, forced_tokens_ = 0;
  int32_t last_token_ = -1;
  double confidence_sum_ = 0;
};

// The agent's answer as the API gives it: text, marks in Muse's JSON form where it is nothing but marks.
Answer answer_of(const AgentRun& run);

}  // namespace melete
