// Reads the output of families that mark reasoning and tool calls inside the text:
//   reasoning   <think> ... </think> at the start of the message (Qwen3, SmolLM3, DeepSeek-R1)
//   tagged      <tool_call> ... </tool_call> (Hermes, Qwen)
//   whole       a message that is nothing but calls: JSON, Python, <function=...> or <|python_tag|> (Llama 3)
//   fenced      ```tool_code ... ``` (Gemma)
// A call that can't be read, isn't finished, or is of a tool that isn't there, is visible text: a JSON answer
// with a name in it is no call.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/output_parser.h"
#include "text/utf8.h"

namespace melete {

struct MarkupStyle {
  enum class Calls { none, tagged, whole, fenced };

  bool thinks = false;  // <think> is reasoning
  Calls calls = Calls::none;
  std::vector<int32_t> stop_tokens = {};         // of put_token
  std::vector<std::string> stop_spellings = {};  // of put
};

class MarkupParser : public OutputParser {
 public:
  // in_reasoning: the prompt ends inside <think>. `tools`: definitions; without any, calls are text.
  MarkupParser(MarkupStyle style, std::vector<Json> tools, bool in_reasoning);

  std::vector<ChannelEvent> put(std::string_view bytes) override;
  std::vector<ChannelEvent> put_token(const Tokenizer& tokenizer, int32_t id) override;
  std::vector<ChannelEvent> finish() override;
  bool turn_ended() const override { return state_ == State::done; }
  Writing writing() const override;

 private:
  enum class State { start, reasoning, answer, call, done };
  using Events = std::vector<ChannelEvent>;
  struct Marker {
    std::string text;
    enum class Kind { think_open, think_close, call_open, call_close, stop } kind;
  };

  std::vector<Marker> markers() const;
  void scan(bool at_end, Events& events);
  bool scan_start(bool at_end, Events& events);
  void take_text(std::string_view text, Events& events);
  void take_marker(const Marker& marker, Events& events);
  void open(State state);
  void close_reasoning(Events& events);
  void close_call(std::string_view end, bool is_complete, Events& events);
  void end_message(bool is_complete, Events& events);
  void emit(ChannelEvent::Kind kind, std::string text, Events& events);

  MarkupStyle style_;
  std::vector<Json> tools_;
  State state_;
  bool spelled_stops_ = true;  // stops count in text (not in put_token)
  bool skip_breaks_ = false;   // line breaks at the start of a part are left out
  bool has_written_ = false;   // the open message has text or calls
  std::string pending_;        // bytes that may begin a marker
  std::string breaks_;         // line breaks that may end the reasoning
  std::string call_open_, call_;
  Utf8Buffer utf8_;
};

}  // namespace melete
