// Reads what a model writes, in any pieces, and tells reasoning, answer and tool calls apart. One interface
// for every family's format: channel_parser.h (Muse) and markup_parser.h (tags, JSON and fences inside text).
//
// Whatever the model writes, nothing is an error, and cutting the input anywhere changes nothing but where
// deltas are cut. Deltas are whole UTF-8 characters.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "text/conversation.h"
#include "text/tokenizer.h"

namespace melete {

struct ChannelEvent {
  enum class Kind {
    reasoning,
    answer,
    commentary,   // text: a delta
    tool_call,    // text: the tool's name; arguments: an object
    message_end,  // one message is complete (or cut off, at finish)
    turn_end,     // a stop token; nothing comes after it
  };
  Kind kind = Kind::answer;
  std::string text;
  Json arguments;
};

// What the next token would belong to. header: of a message, before it is known where it goes; ended: nothing
// more is read.
enum class Writing { header, reasoning, commentary, answer, call, ended };

inline constexpr size_t kMaxCallBytes = size_t{1} << 20;  // a longer call is shown as text

class OutputParser {
 public:
  virtual ~OutputParser() = default;

  // Text of a stream in which control tokens are spelled out (remote engines).
  virtual std::vector<ChannelEvent> put(std::string_view bytes) = 0;
  // A token: only special tokens can be control tokens, so text that spells one is text.
  virtual std::vector<ChannelEvent> put_token(const Tokenizer& tokenizer, int32_t id) = 0;
  // The end of the stream; what is held back comes out.
  virtual std::vector<ChannelEvent> finish() = 0;
  virtual bool turn_ended() const = 0;
  // `call` may still turn out to be text, if what is written is none.
  virtual Writing writing() const = 0;
};

}  // namespace melete
