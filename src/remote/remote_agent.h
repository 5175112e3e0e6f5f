// One agent whose answer a remote server writes: its stream as events and as an answer, with the names of
// AgentRun.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/mode.h"
#include "remote/reply_reader.h"
#include "remote/sse_reader.h"

namespace melete {

class RemoteAgent {
 public:
  // Puts agent.spawned. Request and log outlive it.
  RemoteAgent(const Request& request, int32_t id, EventLog& log);

  // Bytes of the answer. False: nothing more is wanted.
  bool put(long status, std::string_view bytes);
  // The answer has ended; `problem` says why it isn't whole, or is empty.
  void end(long status, const std::string& problem);
  // Stops at once, keeping what was written; puts agent.killed. Nothing if done.
  void kill(const std::string& reason);

  bool done() const { return done_; }
  const Status& status() const { return status_; }  // what failed
  int32_t id() const { return id_; }
  const std::string& answer() const { return answer_; }
  const std::string& reasoning() const { return reasoning_; }
  const std::vector<IssuedCall>& calls() const { return calls_; }
  const std::string& finish() const {
    return finish_;
  }  // "stop", "tool_calls", "length", "failed", "cancelled"
  // By the server's count, else one a piece of the stream.
  int64_t reasoning_tokens() const;
  int64_t answer_tokens() const;
  int64_t forced_tokens() const { return 0; }
  int64_t prompt_tokens() const { return reply_.prompt_tokens.value_or(0); }
  double mean_confidence() const { return reply_.confidence(); }
  int64_t num_tokens() const { return num_pieces_; }
  bool has_begun() const { return num_pieces_ > 0; }

 private:
  Status take(std::string_view bytes);
  void take_piece(const ReplyReader::Piece& piece);
  void tell(const char* channel, const std::string& text);
  Status take_calls();
  void fail(Error error);
  void finish_with(const std::string& finish);

  const Request& request_;
  const int32_t id_;
  EventLog& log_;
  SseReader events_;
  ReplyReader reply_;
  std::string refusal_;  // the body of an answer that isn't a stream
  std::string answer_, reasoning_, finish_;
  std::vector<IssuedCall> calls_;
  Status status_ = ok_status();
  bool done_ = false;
  int64_t num_pieces_ = 0, num_reasoning_pieces_ = 0;
};

Answer answer_of(const RemoteAgent& agent);

}  // namespace melete
