// Draws a run in the terminal from its events: reasoning dimmed, the answer plain, one live line an agent
// when several contemplate, marks and votes as they come. What a model wrote never steers the terminal:
// control characters become spaces. Events may come from a log that anybody wrote: fields of other types than
// ours count as empty.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "agent/event.h"

namespace melete {

class TerminalView : public EventSink {
 public:
  struct Style {
    bool tty = false;      // `err` is a terminal: colours and live lines; else plain text
    bool out_tty = false;  // `out` is one: the answer appears as it is written; else whole, at the end
    bool quiet = false;    // the answer alone
    int width = 80, height = 24;
  };

  // The answer goes to `out`, all else to `err`. Both outlive the view.
  TerminalView(std::FILE* out, std::FILE* err, Style style) : out_(out), err_(err), style_(style) {}
  void put(const Event& event) override;

  // The style for this process: colours if stderr is a terminal and NO_COLOR is unset.
  static Style detect(bool quiet);

 private:
  struct Lane {
    std::string text, state = "thinks";
    int64_t tokens = 0;
  };

  void start_run(const Json& data);
  void put_alone(const Event& event);
  void put_delta(const Json& data);
  void put_decision(const Json& data);
  void complete(const Json& data);
  void write_answer(const std::string& text);
  void put_lane(const Event& event);
  void draw_lanes();
  void say(const std::string& text);  // to err
  std::string dim(const std::string& text) const;
  void end_line();

  std::FILE* out_;
  std::FILE* err_;
  Style style_;
  bool many_ = false, open_line_ = false, in_answer_ = false;
  std::vector<Lane> lanes_;
  std::string votes_, streamed_, channel_;
  size_t drawn_lines_ = 0;
  int64_t last_draw_ms_ = 0;
};

}  // namespace melete
