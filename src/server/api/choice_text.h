// One answer as text to send while it is written: reasoning and content from a run's events. Whatever the
// pieces, content adds up to the final answer's text, cut before the first stop string. (Only marks with a
// label beyond 24 bytes leave as text where they have begun to: their places are in the answer's details.)
//
// Held back are: what may become a stop string; the beginning of an answer of the Muse format as long as it
// may turn out to be marks alone, since those leave as JSON; and all of a run with several agents, of which
// only the end knows whose answer it is.
#pragma once

#include <string>
#include <vector>

#include "agent/event.h"
#include "agent/mode.h"
#include "server/api/stop_filter.h"

namespace melete {

class ChoiceText {
 public:
  struct Piece {
    std::string reasoning, content;
    bool empty() const { return reasoning.empty() && content.empty(); }
  };

  ChoiceText(bool has_many_agents, bool may_be_marks, std::vector<std::string> stops)
      : is_silent_(has_many_agents), is_held_(may_be_marks), stops_(stops), all_stops_(std::move(stops)) {}

  Piece put(const Event& event);
  // What is left to send of the whole answer.
  Piece finish(const Answer& answer);
  // All of it, for those to whom nothing was sent.
  Piece whole(const Answer& answer) const;

  // A stop string was found: the run may end.
  bool stopped() const { return stops_.matched(); }
  // "stop" or "length", as OpenAI's finish_reason says it.
  std::string finish_reason(const Answer& answer) const;

 private:
  bool is_silent_, is_held_;
  bool has_marks_ = false;
  std::string held_;     // the beginning of the answer, not put into stops_ yet
  std::string told_;     // put into stops_
  size_t reasoned_ = 0;  // bytes of reasoning sent
  StopFilter stops_;
  std::vector<std::string> all_stops_;
};

}  // namespace melete
