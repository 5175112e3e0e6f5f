#include "agent/agent_run.h"

#include "text/special_tokens.h"

namespace melete {
namespace {

// What ends reasoning and asks for the answer, in one piece so that the model never sees half of it.
constexpr const char* kCloseReasoning = "<|eom|><|start|>assistant to=user<|message|>";

ChannelParser::Options parser_options(const Request& request, Opening opening) {
  ChannelParser::Options options;
  options.opening = opening;
  options.tools = request.conversation.tools;
  return options;
}

Json mark_json(const TextMark& mark) {
  Json at = Json::array({mark.at[0], mark.at[1]});
  if (mark.kind == TextMark::Kind::box) at = Json::array({mark.at[0], mark.at[1], mark.at[2], mark.at[3]});
  return {{"kind", mark.kind == TextMark::Kind::box ? "box" : "point"}, {"label", mark.label}, {"at", at},
          {"text_bytes", mark.text_bytes}};
}

}  // namespace

AgentRun::AgentRun(Services services, const Request& request, const AgentPlan& plan, SequenceId sequence, EventLog& log)
    : services_(services), request_(request), plan_(plan), sequence_(sequence), log_(log),
      parser_(parser_options(request, plan.opening)), in_answer_(plan.opening == Opening::answer) {
  log_.put(plan_.id, "agent.spawned", 0,
           {{"seed", request.seed}, {"temperature", plan_.temperature}, {"max_reasoning_tokens", plan_.max_reasoning_tokens},
            {"max_answer_tokens", request.max_answer_tokens}});
  start(in_answer_ ? request.max_answer_tokens : plan_.max_reasoning_tokens);
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
  for (const std::string_view stop : {kEot, kEndOfText})
    if (const auto id = services_.tokenizer.special_id(stop)) sampling.stop_tokens.push_back(*id);
  services_.engine.start(sequence_, sampling, [this](const SampledToken& token) { return take(token); });
}

bool AgentRun::take(const SampledToken& token) {
  ++tokens_;
  confidence_sum_ += token.confidence;
  ++(in_answer_ ? answer_tokens_ : reasoning_tokens_);
  take_events(parser_.put_token(services_.tokenizer, token.id));
  return !parser_.turn_ended() && !(in_answer_ && answer_tokens_ >= request_.max_answer_tokens);
}

void AgentRun::put_marks(const std::vector<TextMark>& marks, const char* channel) {
  for (const TextMark& mark : marks) {
    Json data = mark_json(mark);
    data["channel"] = channel;
    log_.put(plan_.id, "mark.added", tokens_, std::move(data));
    marks_.push_back(mark);
  }
}

void AgentRun::take_events(const std::vector<ChannelEvent>& events) {
  for (const ChannelEvent& event : events) {
    using Kind = ChannelEvent::Kind;
    if (event.kind == Kind::reasoning || event.kind == Kind::commentary) {
      MarkParser::Output out = reasoning_marks_.put(event.text);
      reasoning_ += out.text;
      if (!out.text.empty())
        log_.put(plan_.id, "agent.delta", tokens_, {{"channel", "reasoning"}, {"text", std::move(out.text)}});
      put_marks(out.marks, "reasoning");
    } else if (event.kind == Kind::answer) {
      in_answer_ = true;
      answer_ += event.text;
      MarkParser::Output out = answer_marks_.put(event.text);
      if (!out.text.empty())
        log_.put(plan_.id, "agent.delta", tokens_, {{"channel", "answer"}, {"text", std::move(out.text)}});
      put_marks(out.marks, "answer");
    } else if (event.kind == Kind::tool_call) {
      log_.put(plan_.id, "agent.tool_call", tokens_, {{"name", event.text}, {"arguments", event.arguments}});
    }
  }
}

Status AgentRun::close_reasoning() {
  closing_ = true;
  const std::vector<int32_t> tokens = services_.tokenizer.encode_trusted(kCloseReasoning);
  MELETE_RETURN_IF_ERROR(services_.engine.append(sequence_, tokens));
  forced_tokens_ += static_cast<int64_t>(tokens.size());
  for (const int32_t id : tokens) take_events(parser_.put_token(services_.tokenizer, id));
  log_.put(plan_.id, "agent.closed", tokens_, {{"forced_tokens", forced_tokens_}});
  in_answer_ = true;
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
  MELETE_CHECK(reason != FinishReason::failed, services_.engine.failure(sequence_));
  if (reason == FinishReason::length && !in_answer_ && !closing_) return close_reasoning();
  const bool whole = parser_.turn_ended() || reason == FinishReason::stop;
  finish_with(whole ? "stop" : reason == FinishReason::exhausted ? "exhausted" : "length");
  return ok_status();
}

void AgentRun::finish_with(const std::string& reason) {
  take_events(parser_.finish());
  const MarkParser::Output reasoning_rest = reasoning_marks_.finish(), answer_rest = answer_marks_.finish();
  reasoning_ += reasoning_rest.text;
  put_marks(reasoning_rest.marks, "reasoning");
  put_marks(answer_rest.marks, "answer");
  done_ = true;
  finish_ = reason;
  release();
  log_.put(plan_.id, "agent.finished", tokens_,
           {{"finish", finish_}, {"answer", answer_}, {"reasoning_tokens", reasoning_tokens_},
            {"answer_tokens", answer_tokens_}, {"confidence", mean_confidence()}});
}

void AgentRun::kill(const std::string& reason) {
  if (done_) return;
  done_ = true;
  finish_ = "cancelled";
  release();
  log_.put(plan_.id, "agent.killed", tokens_, {{"reason", reason}});
}

void AgentRun::release() {
  if (released_) return;
  released_ = true;
  services_.engine.release(sequence_);
}

Answer answer_of(const AgentRun& run) {
  Answer answer;
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
