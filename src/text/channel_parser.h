// Reads what a model writes after <|start|>assistant, in any pieces, and tells reasoning, answer, commentary
// and tool calls apart (muse_spark, "Conversation format"). Whatever the model writes, nothing is an error: a
// malformed tool call is visible text, an unfinished one and one of a tool that isn't there too, a missing
// header is made up.
//
// Invariant: cutting the input anywhere changes nothing but where deltas are cut. Deltas are whole UTF-8
// characters; location tokens stay in them, spelled out (text/marks.h takes them out).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/output_parser.h"
#include "text/utf8.h"

namespace melete {

class ChannelParser : public OutputParser {
 public:
  struct Options {
    Opening opening = Opening::free;  // what the prompt already holds: none counts as free
    std::vector<Json> tools = {};     // definitions, whose schemas type the parameters
    bool has_calls = true;            // else a message to a tool is text
    bool bare_is_reasoning =
        true;  // a message without recipient is reasoning (Spark), else the answer (Glimmer)
  };

  explicit ChannelParser(Options options);

  std::vector<ChannelEvent> put(std::string_view bytes) override;
  std::vector<ChannelEvent> put_token(const Tokenizer& tokenizer, int32_t id) override;
  std::vector<ChannelEvent> finish() override;
  bool turn_ended() const override { return state_ == State::done; }
  Writing writing() const override;

 private:
  enum class State { header, body, done };
  using Events = std::vector<ChannelEvent>;

  void scan(Events& events);
  void take_text(std::string_view text, Events& events);
  void take_control(std::string_view token, Events& events);
  void open_message(std::string_view header, Events& events);
  void open_body(std::string recipient);
  void end_message(Events& events);
  void end_turn(Events& events);
  void abandon_header(Events& events);
  void emit(ChannelEvent::Kind kind, std::string text, Events& events);

  Options options_;
  State state_ = State::header;
  bool has_role_ = true;  // the header's role is written or implied by the prompt
  std::string pending_;   // bytes that may begin a control token
  std::string header_;
  bool is_tool_ = false;  // the open message goes to a tool; its body is held in call_
  ChannelEvent::Kind channel_ = ChannelEvent::Kind::answer;
  std::string call_;
  Utf8Buffer utf8_;
};

}  // namespace melete
