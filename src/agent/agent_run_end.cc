#include "agent/agent_run.h"

#include <algorithm>

namespace melete {

// What the model has written of them itself is left out.
std::vector<int32_t> AgentRun::closing_tokens(Opening next) const {
  std::vector<int32_t> tokens = services_.format.closing_tokens(next);
  if (!between_messages_) return tokens;
  const auto written = std::find(tokens.begin(), tokens.end(), last_token_);
  if (written != tokens.end()) tokens.erase(tokens.begin(), written + 1);
  return tokens;
}

// A model that may call tools is asked for the answer only when it goes on reasoning.
Status AgentRun::close_reasoning(const std::string& by) {
  const bool leaves_choice = chooses_ && !closing_ && plan_.opening == Opening::reasoning;
  const std::vector<int32_t> tokens = closing_tokens(leaves_choice ? Opening::free : Opening::answer);
  closing_ = true;
  if (Status appended = services_.engine.append(sequence_, tokens); !appended.ok())
    return fail(appended.error());
  forced_tokens_ += static_cast<int64_t>(tokens.size());
  for (const int32_t id : tokens) take_events(parser_->put_token(services_.format.tokenizer(), id));
  log_.put(plan_.id, "agent.closed", tokens_, {{"forced_tokens", forced_tokens_}, {"by", by}});
  if (!leaves_choice) return begin_answer();
  start(header_room_ + request_.max_answer_tokens);
  return ok_status();
}

Status AgentRun::begin_answer() {
  in_answer_ = true;
  answer_limit_ = answer_tokens_ + request_.max_answer_tokens;
  if (request_.grammar && !constraint())
    return fail(unavailable("[agent ", plan_.id,
                            "] the answer must begin where the reasoning ends, got a token with "
                            "the end of one and \"",
                            answer_, "\"; use --mode instant with this model"));
  start(request_.max_answer_tokens);
  return ok_status();
}

bool AgentRun::can_hurry() const {
  const bool is_choosing = chooses_ && parser_->writing() == Writing::header;
  return !done_ && !spends_answer() && !closing_ && !is_choosing;
}

Status AgentRun::hurry(const std::string& by) {
  if (!can_hurry()) return ok_status();
  if (services_.engine.is_running(sequence_)) services_.engine.cancel(sequence_);
  return close_reasoning(by);
}

void AgentRun::appoint(const Steer& steer) {
  (steer.kind == Steer::Kind::kill ? end_appointment_ : closing_appointment_) = steer;
}

Status AgentRun::keep_appointments() {
  if (is_due(end_appointment_)) kill(end_appointment_.by);
  if (is_due(closing_appointment_)) return hurry(closing_appointment_.by);
  return ok_status();
}

Json AgentRun::with_calls(Json data) const {
  if (!calls_.empty()) data["tool_calls"] = to_json(calls_);
  return data;
}

void AgentRun::finish_with(const std::string& reason) {
  done_ = true;
  finish_ = reason;
  release();
  flush();
  if (finish_ == "stop" && !calls_.empty()) finish_ = "tool_calls";
  log_.put(plan_.id, "agent.finished", tokens_,
           with_calls({{"finish", finish_},
                       {"answer", answer_},
                       {"reasoning_tokens", reasoning_tokens_},
                       {"answer_tokens", answer_tokens_},
                       {"confidence", mean_confidence()}}));
}

Status AgentRun::fail(Error error) {
  finish_with(error.kind == ErrorKind::exhausted ? "exhausted" : "failed");
  return error;
}

void AgentRun::kill(const std::string& reason) {
  if (done_) return;
  done_ = true;
  finish_ = "cancelled";
  release();
  flush();
  log_.put(plan_.id, "agent.killed", tokens_, with_calls({{"reason", reason}, {"answer", answer_}}));
}

void AgentRun::release() {
  if (released_) return;
  released_ = true;
  services_.engine.release(sequence_);
}

}  // namespace melete
