#include "remote/remote_agent.h"

#include <algorithm>

#include "base/random.h"

namespace melete {
namespace {

constexpr size_t kMaxRefusalBytes = 16 << 10;
constexpr size_t kMaxAnswerBytes = size_t{16} << 20;

Error refused(long status, std::string_view body) {
  const std::string said = cat("got status ", status, ": ", error_text(body));
  if (status == 401 || status == 403)
    return unavailable("[remote] the server must allow the question, ", said,
                       "; set MELETE_REMOTE_KEY to its key");
  if (status == 429) return exhausted("[remote] the server must have room, ", said, "; ask again later");
  if (status == 400 || status == 413 || status == 422)
    return invalid_argument("[remote] the server must take the question, ", said, "; change it");
  return unavailable("[remote] the server must answer, ", said, "; see its log");
}

}  // namespace

RemoteAgent::RemoteAgent(const Request& request, int32_t id, EventLog& log)
    : request_(request), id_(id), log_(log) {
  log_.put(id_, "agent.spawned", 0,
           {{"seed", request.seed},
            {"temperature", request.temperature},
            {"max_reasoning_tokens", request.max_reasoning_tokens},
            {"max_answer_tokens", request.max_answer_tokens}});
}

bool RemoteAgent::put(long status, std::string_view bytes) {
  if (status != 200) {
    refusal_ += bytes.substr(0, kMaxRefusalBytes - std::min(refusal_.size(), kMaxRefusalBytes));
    return true;
  }
  if (Status taken = take(bytes); !taken.ok()) {
    fail(taken.error());
    return false;
  }
  if (reply_.done()) end(200, "");
  return !done_;
}

Status RemoteAgent::take(std::string_view bytes) {
  MELETE_ASSIGN_OR_RETURN(const std::vector<ServerEvent> events, events_.put(bytes));
  for (const ServerEvent& event : events) {
    MELETE_ASSIGN_OR_RETURN(const ReplyReader::Piece piece, reply_.put(event.data));
    take_piece(piece);
    if (answer_.size() + reasoning_.size() > kMaxAnswerBytes)
      return corrupt("[remote] an answer must have at most ", kMaxAnswerBytes,
                     " bytes, got more; ask for less");
    if (reply_.done()) break;
  }
  return ok_status();
}

void RemoteAgent::take_piece(const ReplyReader::Piece& piece) {
  if (piece.reasoning.empty() && piece.content.empty()) return;
  ++num_pieces_;
  num_reasoning_pieces_ += piece.content.empty();
  reasoning_ += piece.reasoning;
  answer_ += piece.content;
  tell("reasoning", piece.reasoning);
  tell("answer", piece.content);
}

void RemoteAgent::tell(const char* channel, const std::string& text) {
  if (!text.empty()) log_.put(id_, "agent.delta", num_pieces_, {{"channel", channel}, {"text", text}});
}

void RemoteAgent::end(long status, const std::string& problem) {
  if (done_) return;
  if (status != 200 && status != 0) return fail(refused(status, refusal_));
  if (status == 0)
    return fail(
        unavailable("[remote] the server must be reached, got: ", problem, "; see whether it still runs"));
  if (!reply_.is_whole())
    return fail(unavailable("[remote] the answer must come to its end, got a stream that ends after ",
                            num_pieces_, " pieces", problem.empty() ? "" : ": ", problem,
                            "; see whether the server still runs"));
  take_piece(reply_.finish());
  if (Status taken = take_calls(); !taken.ok()) return fail(taken.error());
  const std::string& reason = reply_.finish_reason();
  finish_with(!calls_.empty() ? "tool_calls" : reason == "length" ? "length" : "stop");
}

Status RemoteAgent::take_calls() {
  for (const ReplyReader::Call& call : reply_.calls()) {
    const Result<Json> arguments =
        call.arguments.empty() ? Result<Json>(Json::object()) : parse_json(call.arguments, "arguments");
    if (call.name.empty() || !arguments.ok() || !arguments->is_object())
      return corrupt("[remote] a call must have a name and an object of arguments, got ",
                     call.name.substr(0, 200), "(", call.arguments.substr(0, 200), "); ask again");
    calls_.push_back({call_id(mix_seed(request_.seed, stable_hash(call.arguments)), id_, calls_.size()),
                      call.name, *arguments});
    log_.put(id_, "agent.tool_call", num_pieces_,
             {{"id", calls_.back().id}, {"name", call.name}, {"arguments", *arguments}});
  }
  return ok_status();
}

void RemoteAgent::fail(Error error) {
  status_ = std::move(error);
  finish_with("failed");
}

void RemoteAgent::finish_with(const std::string& finish) {
  done_ = true;
  finish_ = finish;
  Json data = {{"finish", finish_},
               {"answer", answer_},
               {"reasoning_tokens", reasoning_tokens()},
               {"answer_tokens", answer_tokens()},
               {"confidence", mean_confidence()}};
  if (!calls_.empty()) data["tool_calls"] = to_json(calls_);
  log_.put(id_, "agent.finished", num_pieces_, std::move(data));
}

void RemoteAgent::kill(const std::string& reason) {
  if (done_) return;
  done_ = true;
  finish_ = "cancelled";
  take_piece(reply_.finish());
  log_.put(id_, "agent.killed", num_pieces_, {{"reason", reason}, {"answer", answer_}});
}

int64_t RemoteAgent::reasoning_tokens() const {
  if (!reply_.completion_tokens) return num_reasoning_pieces_;
  const int64_t all = *reply_.completion_tokens;
  if (reply_.reasoning_tokens) return std::min(*reply_.reasoning_tokens, all);
  return num_pieces_ == 0 ? 0 : all * num_reasoning_pieces_ / num_pieces_;
}

int64_t RemoteAgent::answer_tokens() const {
  return reply_.completion_tokens.value_or(num_pieces_) - reasoning_tokens();
}

Answer answer_of(const RemoteAgent& agent) {
  Answer answer;
  answer.text = answer.raw = agent.answer();
  answer.reasoning = agent.reasoning();
  answer.tool_calls = agent.calls();
  answer.finish = agent.finish();
  answer.agent = agent.id();
  return answer;
}

}  // namespace melete
