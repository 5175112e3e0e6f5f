// ReplyReader: what a remote chat completion streams, one "data" at a time. Pure.
//
// Reasoning comes as reasoning_content (DeepSeek, llama-server, SGLang), reasoning (vLLM, Ollama,
// OpenRouter), or inside the content between <think> and </think>, where the server leaves a model's markup
// in place.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace melete {

// Text with <think>...</think> at its beginning taken apart, in whatever pieces it comes.
class ThinkSplitter {
 public:
  struct Piece {
    std::string reasoning, content;
  };
  Piece put(std::string_view text);
  Piece finish();  // what was held back since it might have become a tag

 private:
  enum class State { beginning, inside, after } state_ = State::beginning;
  std::string held_;
};

class ReplyReader {
 public:
  struct Call {
    std::string name, arguments;  // arguments as spelled
  };
  using Piece = ThinkSplitter::Piece;

  // Errors: corrupt (not a chunk of a chat completion), or what the server says went wrong.
  Result<Piece> put(std::string_view data);
  Piece finish() { return splitter_.finish(); }

  // Whether the reply has its end: a finish_reason, or [DONE] after at least one chunk.
  bool is_whole() const { return !finish_reason_.empty() || (done_ && num_chunks_ > 0); }
  bool done() const { return done_; }  // nothing comes any more
  const std::string& finish_reason() const { return finish_reason_; }
  const std::vector<Call>& calls() const { return calls_; }
  // Tokens by the server's count; nothing if it doesn't say.
  std::optional<int64_t> prompt_tokens, completion_tokens, reasoning_tokens;
  // Mean of minus the mean log-probability of the likeliest tokens, as SampledToken::confidence; 0 without.
  double confidence() const { return num_scored_ ? confidence_sum_ / static_cast<double>(num_scored_) : 0; }

 private:
  Status take_calls(const Json& deltas);
  void take_usage(const Json& usage);
  void take_log_probs(const Json& log_probs);

  ThinkSplitter splitter_;
  std::vector<Call> calls_;
  std::string finish_reason_;
  bool done_ = false;
  int64_t num_chunks_ = 0, num_scored_ = 0;
  double confidence_sum_ = 0;
};

// What an error's body says, for people: {"error": {"message"}}, {"error": "..."}, {"message"}; else its
// beginning.
std::string error_text(std::string_view body);

}  // namespace melete
