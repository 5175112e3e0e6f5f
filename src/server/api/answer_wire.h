// What a surface (OpenAI's chat completions, Anthropic's messages) makes of a request and of its answers; the
// running of them is the same for all, see answer_job.h.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/api/answer_options.h"
#include "server/api/choice_text.h"
#include "server/api/content.h"

namespace melete {

// A body, whatever its surface.
struct AnswerRequest {
  AnswerOptions options;
  std::vector<WireMessage> messages;  // system messages too
  int choices = 1;
  bool stream = false;
};

// One choice, done.
struct FinishedAnswer {
  Answer answer;
  std::vector<AnswerDelta> deltas;  // the whole of it, a piece of each kind and call
  AnswerEnd end = AnswerEnd::whole;
  std::string stop;  // the string that stopped it
  std::string mode;
  uint64_t seed = 0;
};

// Tokens of all choices; the prompt counts once.
struct TokenCounts {
  int64_t prompt = 0, reasoning = 0, completion = 0;  // reasoning is a part of completion
};
TokenCounts count_tokens(const std::vector<FinishedAnswer>& answers);

// Marks, votes, tokens, timings, mode and seed of an answer: the member "melete".
Json answer_details(const Answer& answer, const std::string& mode, uint64_t seed);

// Writes one request's answers.
class AnswerWire {
 public:
  virtual ~AnswerWire() = default;

  // Of a stream, as event_text()s. What is of one choice comes in order; other choices' may come at the same
  // time, on other threads.
  virtual std::string begin(int choice) = 0;
  virtual std::string delta(int choice, const AnswerDelta& delta) = 0;
  virtual std::string event(int choice, const Event& event) = 0;  // of the run; only for those who ask
  virtual std::string finish(int choice, const FinishedAnswer& answer) = 0;
  virtual std::string end(const std::vector<FinishedAnswer>& answers) = 0;  // after all choices
  virtual std::string failure(const ApiError& error) = 0;                   // the stream ends with it

  // Without a stream.
  virtual Json whole(const std::vector<FinishedAnswer>& answers) = 0;
};

class Surface {
 public:
  virtual ~Surface() = default;

  struct Parsed {
    AnswerRequest request;
    std::function<std::unique_ptr<AnswerWire>(int64_t prompt_tokens)> make_wire;
  };
  // What is wrong with the request apart from its body.
  virtual std::optional<ApiError> check(const HttpRequest& request) const { return std::nullopt; }
  // Nothing if `problem` is set: by a field of a wrong type, a value out of range, an unknown field, a field
  // that this server has no part for.
  virtual std::optional<Parsed> parse(const Json& body, std::optional<ApiError>& problem) const = 0;
  virtual HttpResponse refuse(const ApiError& error, const HttpRequest& request) const = 0;
  // Of each answer.
  virtual HttpHeaders headers(const HttpRequest& request) const { return {}; }
};

}  // namespace melete
