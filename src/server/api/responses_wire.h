// One answer as a response of the Responses API: its items while they are written, as semantic events in
// their order, and the response itself. A function of the request and of what the run does: the events of an
// answer that has ended can be made again from its log.
//
// Source: the Open Responses specification of 2026-04-24, sections Items, Streaming and Reasoning.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/api/answer_wire.h"

namespace melete {

class ResponseWire {
 public:
  struct Options {
    bool summarises = false;  // reasoning comes as summary too, since some clients show nothing else
    int64_t max_calls = 0;    // further calls aren't told; 0: any number
  };

  // response: every member that is known, with status "queued" or "in_progress".
  ResponseWire(Json response, const Options& options)
      : options_(options),
        suffix_(response["id"].get<std::string>().substr(5)),
        response_(std::move(response)) {}

  // Each appends event objects with type and sequence_number.
  void queue(std::vector<Json>& events);
  void begin(std::vector<Json>& events);
  void event(const Event& event, std::vector<Json>& events);  // of the run: a "melete:KIND"
  void delta(const AnswerDelta& delta, std::vector<Json>& events);
  void finish(const FinishedAnswer& answer, int64_t now_s, std::vector<Json>& events);
  // The end of an answer that failed.
  void fail(const std::string& code, const std::string& message, std::vector<Json>& events);

  const Json& response() const { return response_; }

 private:
  using Kind = AnswerDelta::Kind;
  struct Open {
    Kind kind;
    size_t call;
    Json item;
    std::string text;
  };

  void put(const char* type, Json event, std::vector<Json>& events);
  void put_response(const char* type, std::vector<Json>& events);
  void put_of_item(const char* type, Json event, std::vector<Json>& events);
  void open(const AnswerDelta& delta, std::vector<Json>& events);
  void close(const char* status, std::vector<Json>& events);
  void close_text(std::vector<Json>& events);
  void close_reasoning(std::vector<Json>& events);

  const Options options_;
  const std::string suffix_;  // of ids
  Json response_;
  std::optional<Open> open_;
  int64_t next_ = 0;   // sequence number
  int64_t calls_ = 0;  // begun
};

// Tokens as a response tells them.
Json response_usage(const FinishedAnswer& answer);

}  // namespace melete
