#include "agent/agent_run.h"

#include <algorithm>

#include "base/random.h"
#include "text/special_tokens.h"
#include "text/tool_markup.h"

namespace melete {
namespace {

// Tokens that a message's header may take, beside a tool's name.
constexpr int64_t kHeaderTokens = 16;

int64_t header_tokens(const Request& request, const Tokenizer& tokenizer) {
  size_t longest = 0;
  for (const Json& tool : request.conversation.tools)
    longest = std::max(longest, tokenizer.encode(tool_name(tool)).size());
  return kHeaderTokens + static_cast<int64_t>(longest);
}

// Calls are text unless the model decides on them.
std::unique_ptr<OutputParser> parser_for(const Request& request, Opening opening, const ChatFormat& format) {
  if (may_call(request)) return format.parser(request.conversation, opening);
  Conversation conversation = request.conversation;
  conversation.tools.clear();
  return format.parser(conversation, opening);
}

// Of everything that the agents of a run are a function of, but their numbers.
uint64_t hash_of(const Request& request) {
  uint64_t hash = mix_seed(request.seed, request.first_stream);
  const auto mix = [&](std::string_view text) { hash = mix_seed(hash, stable_hash(text)); };
  for (const Message& message : request.conversation.messages) {
    mix(name_of(message.role));
    mix(message.recipient);
    for (const MessagePart& part : message.parts)
      if (const auto* words = std::get_if<TextPart>(&part)) mix(words->text);
  }
  return hash;
}

Json mark_json(const TextMark& mark) {
  Json at = Json::array({mark.at[0], mark.at[1]});
  if (mark.kind == TextMark::Kind::box) at = Json::array({mark.at[0], mark.at[1], mark.at[2], mark.at[3]});
  Json json = {{"kind", mark.kind == TextMark::Kind::box ? "box" : "point"},
               {"label", mark.label},
               {"at", at},
               {"text_bytes", mark.text_bytes}};
  if (!mark.on.empty()) json["on"] = mark.on;
  return json;
}

}  // namespace

AgentRun::AgentRun(Services services, const Request& request, const AgentPlan& plan, SequenceId sequence,
                   EventLog& log)
    : services_(services),
      request_(request),
      plan_(plan),
      sequence_(sequence),
      log_(log),
      parser_(parser_for(request, plan.opening, services.format)),
      chooses_(may_address_tools(request, services.format)),
      in_answer_(plan.opening == Opening::answer),
      header_room_(header_tokens(request, services.format.tokenizer())),
      answer_limit_(request.max_answer_tokens) {
  if (plan.opening == Opening::reasoning) {
    const auto closing = static_cast<int64_t>(services_.format.closing_tokens(Opening::answer).size());
    const int64_t room =
        services_.engine.context_length() - services_.engine.length(sequence_) - closing - header_room_;
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
                   : plan_.max_reasoning_tokens + header_room_ + request.max_answer_tokens);
}

AgentRun::~AgentRun() { release(); }

void AgentRun::start(int64_t max_tokens) {
  Sampling sampling;
  sampling.temperature = plan_.temperature;
  sampling.top_p = request_.top_p;
  sampling.top_k = request_.top_k;
  sampling.min_p = request_.min_p;
  sampling.frequency_penalty = request_.frequency_penalty;
  sampling.presence_penalty = request_.presence_penalty;
  sampling.seed = request_.seed;
  // Runs of a sequence (before and after a forced closing) must not share their random numbers.
  sampling.stream =
      request_.first_stream + static_cast<uint64_t>(plan_.id) * 2 + std::min<uint64_t>(num_starts_, 1);
  if (num_starts_ > 1) sampling.stream += (num_starts_ - 1) << 32;
  ++num_starts_;
  sampling.max_tokens = std::max<int64_t>(1, max_tokens);
  sampling.stop_tokens = services_.format.stop_tokens();
  if (in_answer_) sampling.constraint = constraint();
  constrained_ = sampling.constraint != nullptr;
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
  ++(spends_answer() ? answer_tokens_ : reasoning_tokens_);
  if (request_.top_log_probs >= 0) note_token(token);
  take_events(parser_->put_token(services_.format.tokenizer(), token.id));
  if (parser_->writing() == Writing::call) in_answer_ = true;
  if (is_over() || must_close_for_grammar() || waits_for_grammar()) return false;
  if (is_due(end_appointment_) || is_due(closing_appointment_)) return false;
  return spends_answer() ? answer_tokens_ < answer_limit_ : !budget_spent();
}

// A token of the answer's text; those that end or address messages aren't.
void AgentRun::note_token(const SampledToken& token) {
  if (parser_->writing() != Writing::answer || request_.tool_choice.is_held()) return;
  if (chooses_ && request_.grammar && !constrained_) return;
  const Tokenizer& tokenizer = services_.format.tokenizer();
  const std::string bytes(tokenizer.token_bytes(token.id));
  if (std::ranges::count(services_.format.stop_tokens(), token.id) > 0) return;
  if (tokenizer.is_special(token.id) && location_bin(bytes) < 0) return;
  AnswerToken& noted = new_tokens_.emplace_back(AnswerToken{{bytes, token.log_prob}, {}});
  for (const RankedToken& other : token.top) {
    if (std::ssize(noted.likeliest) >= request_.top_log_probs) break;
    noted.likeliest.push_back({std::string(tokenizer.token_bytes(other.id)), other.log_prob});
  }
}

// Nothing that is still wanted can come: after an answer only a call can.
bool AgentRun::is_over() const {
  if (parser_->turn_ended() || (!calls_.empty() && !request_.parallel_calls)) return true;
  const Writing writing = parser_->writing();
  return answered_ && !(chooses_ && (writing == Writing::header || writing == Writing::call));
}

// Whether the next token counts as answer.
bool AgentRun::spends_answer() const {
  switch (parser_->writing()) {
    case Writing::answer:
    case Writing::commentary:
    case Writing::call: return true;
    case Writing::header: return in_answer_ || (plan_.opening == Opening::free && !closing_);
    default: return in_answer_;
  }
}

// A model that has just ended its reasoning may write the next header even beyond the budget; one that was
// told to end it, or not to begin, may write no more.
bool AgentRun::budget_spent() const {
  if (parser_->writing() == Writing::reasoning && (closing_ || plan_.opening == Opening::free)) return true;
  return reasoning_tokens_ >= plan_.max_reasoning_tokens + (between_messages_ ? header_room_ : 0);
}

// The reasoning has ended, and what begins the answer is to be written for the model.
bool AgentRun::must_close_for_grammar() const {
  return request_.grammar && !chooses_ && between_messages_ && !closing_ &&
         plan_.opening == Opening::reasoning;
}

// The model has begun the answer itself.
bool AgentRun::waits_for_grammar() const {
  return request_.grammar && !constrained_ && parser_->writing() == Writing::answer &&
         (chooses_ || in_answer_);
}

void AgentRun::put_output(MarkParser::Output out, const char* channel, Json more) {
  if (!out.text.empty()) {
    Json data = {{"channel", channel}, {"text", std::move(out.text)}};
    data.update(more);
    log_.put(plan_.id, "agent.delta", tokens_, std::move(data));
  }
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

void AgentRun::put_commentary(MarkParser::Output out) {
  commentary_ += out.text;
  put_output(std::move(out), "commentary");
}

void AgentRun::put_answer(MarkParser::Output out) {
  Json more = Json::object();
  if (!out.text.empty() && !new_tokens_.empty()) {
    for (const AnswerToken& token : new_tokens_) more["tokens"].push_back(to_json(token));
    std::move(new_tokens_.begin(), new_tokens_.end(), std::back_inserter(told_tokens_));
    new_tokens_.clear();
  }
  put_output(std::move(out), "answer", std::move(more));
}

void AgentRun::put_held(const std::string& text) {
  std::string arguments = held_.put(text);
  if (arguments.empty()) return;
  log_.put(plan_.id, "agent.delta", tokens_,
           {{"channel", "tool_call"},
            {"id", next_call_id()},
            {"name", held_.name()},
            {"text", std::move(arguments)}});
}

void AgentRun::take_events(const std::vector<ChannelEvent>& events) {
  for (const ChannelEvent& event : events) {
    using Kind = ChannelEvent::Kind;
    // A second message after the answer's would be glued to it.
    if (answered_ && event.kind != Kind::tool_call) continue;
    between_messages_ = event.kind == Kind::message_end;
    switch (event.kind) {
      case Kind::reasoning: put_reasoning(reasoning_marks_.put(event.text)); break;
      case Kind::commentary: put_commentary(commentary_marks_.put(event.text)); break;
      case Kind::answer: take_answer(event.text); break;
      case Kind::tool_call: take_call(event.text, event.arguments); break;
      case Kind::message_end: answered_ = !answer_.empty(); break;
      case Kind::turn_end: break;
    }
  }
}

void AgentRun::take_answer(const std::string& text) {
  // What no grammar could hold (a call that is none) is not the answer that was asked for.
  if (chooses_ && request_.grammar && !constrained_) return put_commentary(commentary_marks_.put(text));
  in_answer_ = true;
  answer_ += text;
  request_.tool_choice.is_held() ? put_held(text) : put_answer(answer_marks_.put(text));
}

std::string AgentRun::next_call_id() const { return call_id(hash_of(request_), plan_.id, calls_.size()); }

void AgentRun::take_call(const std::string& name, const Json& arguments) {
  if (!calls_.empty() && !request_.parallel_calls) return;
  in_answer_ = true;
  new_tokens_.clear();
  calls_.push_back({next_call_id(), name, arguments});
  log_.put(plan_.id, "agent.tool_call", tokens_,
           {{"id", calls_.back().id}, {"name", name}, {"arguments", arguments}});
}

Status AgentRun::advance() {
  if (done_ || services_.engine.is_running(sequence_)) return ok_status();
  const FinishReason reason = services_.engine.finish_reason(sequence_);
  if (reason == FinishReason::failed)
    return fail(unavailable("[agent ", plan_.id, "] every token must reach the run's event sinks, got: ",
                            services_.engine.failure(sequence_), "; mend or leave out the sink that failed"));
  if (is_due(end_appointment_) || (is_due(closing_appointment_) && can_hurry())) return keep_appointments();
  const bool is_call_cut = parser_->writing() == Writing::call;
  const bool whole = is_over() || (answered_ && !is_call_cut) || reason == FinishReason::stop;
  if (!whole && waits_for_grammar()) return begin_answer();
  if (!whole && (must_close_for_grammar() || !spends_answer())) return close_reasoning("budget");
  const bool is_unheld = chooses_ && request_.grammar && !constrained_ && calls_.empty();
  const bool is_blocked = reason == FinishReason::blocked || (whole && is_unheld);
  const bool is_complete = is_blocked && request_.grammar && request_.grammar->matches(answer_);
  finish_with((whole && !is_unheld) || is_complete ? "stop"
              : is_blocked                         ? "blocked"
              : reason == FinishReason::exhausted  ? "exhausted"
                                                   : "length");
  return ok_status();
}

// What the parsers hold back comes out, so that the deltas add up to the whole text.
void AgentRun::flush() {
  take_events(parser_->finish());
  put_reasoning(reasoning_marks_.finish());
  put_commentary(commentary_marks_.finish());
  put_answer(answer_marks_.finish());
  std::move(new_tokens_.begin(), new_tokens_.end(), std::back_inserter(told_tokens_));
  settle_held_call();
}

// The text becomes the call, or nothing if it was cut.
void AgentRun::settle_held_call() {
  if (!request_.tool_choice.is_held()) return;
  const std::string text = std::exchange(answer_, {});
  const auto call = request_.grammar->matches(text) ? parse_held_call(text) : std::nullopt;
  if (call) take_call(call->name, call->arguments);
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
  answer.commentary = run.commentary();
  answer.tool_calls = run.calls();
  answer.tokens = run.tokens();
  answer.marks = run.marks();
  answer.finish = run.finish();
  answer.agent = run.id();
  return answer;
}

}  // namespace melete
