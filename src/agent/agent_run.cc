#include "agent/agent_run.h"

#include <algorithm>

namespace melete {
namespace {

// Tokens that a message's header may take.
constexpr int64_t kHeaderTokens = 16;

Json mark_json(const TextMark& mark) {
  Json at = Json::array({mark.at[0], mark.at[1]});
  if (mark.kind == TextMark::Kind::box) at = Json::array({mark.at[0], mark.at[1], mark.at[2], mark.at[3]});
  return {{"kind", mark.kind == TextMark::Kind::box ? "box" : "point"},
          {"label", mark.label},
          {"at", at},
          {"text_bytes", mark.text_bytes}};
}

}  // namespace

AgentRun::AgentRun(Services services, const Request& request, const AgentPlan& plan, SequenceId sequence,
                   EventLog& log)
    : services_(services),
      request_(request),
      plan_(plan),
      sequence_(sequence),
      log_(log),
      parser_(services.format.parser(request.conversation, plan.opening)),
      in_answer_(plan.opening == Opening::answer) {
  if (!in_answer_) {
    const auto closing = static_cast<int64_t>(services_.format.closing_tokens().size());
    const int64_t room =
        services_.engine.context_length() - services_.engine.length(sequence_) - closing - kHeaderTokens;
    const int64_t for_reasoning = room - std::min(request.max_answer_tokens, room / 2);
    plan_.max_reasoning_tokens = std::max<int64_t>(1, std::min(plan_.max_reasoning_tokens, for_reasoning));
  }
  log_.put(plan_.id, "agent.spawned", 0,
           {{"seed", request.seed},
            {"temperature", plan_.temperature},
            {"max_reasoning_tokens", plan_.max_reasoning_tokens},
            {"max_answer_tokens", request.max_answer_tokens}});
  // Where reasoning ends by itself, its answer has the whole answer's budget: take() ends either.
  start(in_answer_ ? request.max_answer_tokens
                   : plan_.max_reasoning_tokens + kHeaderTokens + request.max_answer_tokens);
}

AgentRun::~AgentRun() { release(); }

void AgentRun::start(int64_t max_tokens) {
  Sampling sampling;
  sampling.temperature = plan_.temperature;
  sampling.top_p = request_.top_p;
  sampling.top_k = request_.top_k;
  sampling.min_p = request_.min_p;
  sampling.seed = request_.seed;
  // Two runs of a sequence (before and after a forced closing) must not share their random numbers.
  sampling.stream = static_cast<uint64_t>(plan_.id) * 2 + (closing_ ? 1 : 0);
  sampling.max_tokens = std::max<int64_t>(1, max_tokens);
  sampling.stop_tokens = services_.format.stop_tokens();
  if (in_answer_) sampling.constraint = constraint();
  services_.engine.start(sequence_, sampling, [this](const SampledToken& token) { return take(token); });
}

// Of an answer that begins now; null without a grammar, or if the token that ended the reasoning has already
// written something else.
std::shared_ptr<const TokenConstraint> AgentRun::constraint() const {
  if (!request_.grammar) return nullptr;
  const int64_t room = services_.engine.context_length() - services_.engine.length(sequence_);
  auto made =
      std::make_shared<GrammarConstraint>(request_.grammar, std::min(request_.max_answer_tokens, room));
  return made->accept_text(answer_) ? made : nullptr;
}

bool AgentRun::take(const SampledToken& token) {
  ++tokens_;
  last_token_ = token.id;
  confidence_sum_ += token.confidence;
  ++(in_answer_ ? answer_tokens_ : reasoning_tokens_);
  take_events(parser_->put_token(services_.format.tokenizer(), token.id));
  if (parser_->turn_ended() || answered_) return false;
  if (request_.grammar && between_messages_ && !closing_ && plan_.opening == Opening::reasoning) return false;
  return in_answer_ ? answer_tokens_ < request_.max_answer_tokens : !budget_spent();
}

// A model that has just ended its reasoning may write the answer's header even beyond the budget.
bool AgentRun::budget_spent() const {
  return reasoning_tokens_ >= plan_.max_reasoning_tokens + (between_messages_ ? kHeaderTokens : 0);
}

void AgentRun::put_output(MarkParser::Output out, const char* channel) {
  if (!out.text.empty())
    log_.put(plan_.id, "agent.delta", tokens_, {{"channel", channel}, {"text", std::move(out.text)}});
  for (TextMark& mark : out.marks) {
    Json data = mark_json(mark);
    data["channel"] = channel;
    marks_.push_back(std::move(mark));
    log_.put(plan_.id, "mark.added", tokens_, std::move(data));
  }
}

void AgentRun::put_reasoning(MarkParser::Output out) {
  reasoning_ += out.text;
  put_output(std::move(out), "reasoning");
}

void AgentRun::put_answer(MarkParser::Output out) { put_output(std::move(out), "answer"); }

void AgentRun::take_events(const std::vector<ChannelEvent>& events) {
  for (const ChannelEvent& event : events) {
    using Kind = ChannelEvent::Kind;
    if (answered_) return;  // a second message after the answer's would be glued to it
    between_messages_ = event.kind == Kind::message_end;
    if (event.kind == Kind::reasoning || event.kind == Kind::commentary) {
      put_reasoning(reasoning_marks_.put(event.text));
    } else if (event.kind == Kind::answer) {
      in_answer_ = true;
      answer_ += event.text;
      put_answer(answer_marks_.put(event.text));
    } else if (event.kind == Kind::tool_call) {
      log_.put(plan_.id, "agent.tool_call", tokens_, {{"name", event.text}, {"arguments", event.arguments}});
    } else if (event.kind == Kind::message_end) {
      answered_ = !answer_.empty();
    }
  }
}

// What the model has written of them itself is left out.
std::vector<int32_t> AgentRun::closing_tokens() const {
  std::vector<int32_t> tokens = services_.format.closing_tokens();
  if (!between_messages_) return tokens;
  const auto written = std::find(tokens.begin(), tokens.end(), last_token_);
  if (written != tokens.end()) tokens.erase(tokens.begin(), written + 1);
  return tokens;
}

Status AgentRun::close_reasoning() {
  const std::vector<int32_t> tokens = closing_tokens();
  closing_ = true;
  if (Status appended = services_.engine.append(sequence_, tokens); !appended.ok())
    return fail(appended.error());
  forced_tokens_ += static_cast<int64_t>(tokens.size());
  for (const int32_t id : tokens) take_events(parser_->put_token(services_.format.tokenizer(), id));
  log_.put(plan_.id, "agent.closed", tokens_, {{"forced_tokens", forced_tokens_}});
  in_answer_ = true;
  if (request_.grammar && !constraint())
    return fail(unavailable("[agent ", plan_.id,
                            "] the answer must begin where the reasoning ends, got a token with "
                            "the end of one and \"",
                            answer_, "\"; use --mode instant with this model"));
  start(request_.max_answer_tokens);
  return ok_status();
}

Status AgentRun::hurry() {
  if (done_ || in_answer_ || closing_) return ok_status();
  services_.engine.cancel(sequence_);
  return close_reasoning();
}

Status AgentRun::advance() {
  if (done_ || services_.engine.is_running(sequence_)) return ok_status();
  const FinishReason reason = services_.engine.finish_reason(sequence_);
  if (reason == FinishReason::failed)
    return fail(unavailable("[agent ", plan_.id, "] every token must reach the run's event sinks, got: ",
                            services_.engine.failure(sequence_), "; mend or leave out the sink that failed"));
  const bool whole = parser_->turn_ended() || answered_ || reason == FinishReason::stop;
  if (!whole && !in_answer_) return close_reasoning();
  const bool is_blocked = reason == FinishReason::blocked;
  const bool is_complete = is_blocked && request_.grammar && request_.grammar->matches(answer_);
  finish_with(whole || is_complete                ? "stop"
              : is_blocked                        ? "blocked"
              : reason == FinishReason::exhausted ? "exhausted"
                                                  : "length");
  return ok_status();
}

// What the parsers hold back comes out, so that the deltas add up to the whole text.
void AgentRun::flush() {
  take_events(parser_->finish());
  put_reasoning(reasoning_marks_.finish());
  put_answer(answer_marks_.finish());
}

void AgentRun::finish_with(const std::string& reason) {
  done_ = true;
  finish_ = reason;
  release();
  flush();
  log_.put(plan_.id, "agent.finished", tokens_,
           {{"finish", finish_},
            {"answer", answer_},
            {"reasoning_tokens", reasoning_tokens_},
            {"answer_tokens", answer_tokens_},
            {"confidence", mean_confidence()}});
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
  log_.put(plan_.id, "agent.killed", tokens_, {{"reason", reason}, {"answer", answer_}});
}

void AgentRun::release() {
  if (released_) return;
  released_ = true;
  services_.engine.release(sequence_);
}

Answer answer_of(const AgentRun& run) {
  Answer answer;
  answer.raw = run.answer();
  if (auto json = marks_as_json(run.answer())) {
    answer.text = *std::move(json);
  } else {
    MarkParser parser;
    answer.text = parser.put(run.answer()).text;
    answer.text += parser.finish().text;
  }
  answer.reasoning = run.reasoning();
  answer.marks = run.marks();
  answer.finish = run.finish();
  answer.agent = run.id();
  return answer;
}

}  // namespace melete
