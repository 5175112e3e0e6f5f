// The events of a run as those of a response: while it runs, or again from its log.
#pragma once

#include <vector>

#include "server/api/responses_wire.h"

namespace melete {

class ResponseRun {
 public:
  struct Options {
    ChoiceText::Options text;
    ResponseWire::Options wire;
    bool events = false;  // the run's events come too, as "melete:KIND"
  };

  ResponseRun(Json response, const Options& options)
      : options_(options), text_(options.text), wire_(std::move(response), options.wire) {}

  void queue(std::vector<Json>& events) { wire_.queue(events); }
  void put(const Event& event, std::vector<Json>& events);
  void finish(Answer answer, const std::string& mode, uint64_t seed, int64_t now_s,
              std::vector<Json>& events);
  void fail(const std::string& code, const std::string& message, std::vector<Json>& events);

  // As many calls as are wanted have come.
  bool wants_stop() const;
  const Json& response() const { return wire_.response(); }

 private:
  const Options options_;
  ChoiceText text_;
  ResponseWire wire_;
  bool begun_ = false;
  int64_t calls_ = 0;  // whole ones
};

// What is kept beside a response, to make its events again.
Json to_json(const ResponseRun::Options& options);
ResponseRun::Options run_options(const Json& json);

// All events of a response that has ended, from its run's log: `first` is the response as it was when it
// began, `last` as it is kept. Sequence numbers and texts are those of the stream that was.
std::vector<Json> events_again(const Json& first, const Json& last, const ResponseRun::Options& options,
                               const std::vector<Event>& log);

// The answer that a log's events tell: text, reasoning, commentary, calls, how it ended, tokens.
Answer answer_of(const std::vector<Event>& log);

}  // namespace melete
