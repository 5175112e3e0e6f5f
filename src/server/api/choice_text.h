// One answer as what to send while it is written: reasoning, what is said in passing, content and calls from
// a run's events. Whatever the pieces, content adds up to the final answer's text, cut before the first stop
// string. (Only marks with a label beyond 24 bytes leave as text where they have begun to: their places are
// in the answer's details. And where a grammar holds a call, the beginning of one that is then cut has left.)
//
// Held back are: what may become a stop string; the beginning of an answer of the Muse format as long as it
// may turn out to be marks alone, since those leave as JSON; and all of a run with several agents, of which
// only the end knows whose answer it is.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "agent/event.h"
#include "agent/mode.h"
#include "server/api/stop_filter.h"

namespace melete {

// The next piece of an answer.
struct AnswerDelta {
  enum class Kind { reasoning, commentary, content, call };
  Kind kind = Kind::content;
  std::string text;             // of a call: of its arguments, as JSON is spelled
  size_t call = 0;              // the call's number in the answer
  std::string id, name;         // of a call's first piece; empty in its others
  Json tokens = Json::array();  // of content, where they are asked for: as to_json(AnswerToken)
};

enum class AnswerEnd {
  whole,    // the model ended it
  stopped,  // by a stop string
  calls,    // it waits for the results of its calls
  full,     // the context is
  cut,      // by a limit, a deadline, a stop
};

class ChoiceText {
 public:
  struct Options {
    bool has_many_agents = false, may_be_marks = false;
    bool tells_commentary = true;  // not beside content that must be of some form
    std::vector<std::string> stops = {};
  };
  explicit ChoiceText(const Options& options)
      : options_(options),
        is_held_(options.may_be_marks),
        stops_(options.stops),
        commentary_(options.stops) {}

  std::vector<AnswerDelta> put(const Event& event);
  // What is left to send of the whole answer; all of it, a piece of each kind and call, where nothing was
  // put.
  std::vector<AnswerDelta> finish(const Answer& answer);

  // A stop string was found: the run may end.
  bool stopped() const { return !stop().empty(); }
  const std::string& stop() const {
    return stops_.matched().empty() ? commentary_.matched() : stops_.matched();
  }
  AnswerEnd end(const Answer& answer) const;

 private:
  void put_delta(const Event& event, std::vector<AnswerDelta>& out);
  void put_call(const Json& data, std::vector<AnswerDelta>& out);
  void put_content(const std::string& text, bool is_last, std::vector<AnswerDelta>& out);
  void put_commentary(const std::string& text, bool is_last, std::vector<AnswerDelta>& out);
  void release_held(std::vector<AnswerDelta>& out);
  Json tokens_before(size_t end);

  const Options options_;
  bool is_held_, has_marks_ = false;
  std::string held_;                         // the beginning of the answer, not put into stops_ yet
  std::string told_;                         // put into stops_
  size_t reasoned_ = 0, commented_ = 0;      // bytes put out, and put into commentary_
  size_t content_bytes_ = 0;                 // put out
  std::vector<std::string> calls_;           // ids of those that have begun
  size_t num_tokens_ = 0, token_bytes_ = 0;  // of all that came, and their bytes that are out
  std::deque<Json> tokens_;                  // not out
  StopFilter stops_, commentary_;
};

}  // namespace melete
