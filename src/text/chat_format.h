// How one model's conversations are written and its output is read: the only thing that agents know of a
// family.
//
// Two kinds: the Muse format (conversation.h, channel_parser.h), and chat templates in Jinja
// (jinja/template.h) with the markup that public families use inside their text (markup_parser.h). In both,
// only trusted text becomes special tokens: what users, files and tools write never does.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/conversation.h"
#include "text/output_parser.h"

namespace melete {

// What a model's files say about conversations; each field's default stands for what they lack.
struct ChatSource {
  std::string chat_template;         // Jinja; empty: the model only continues text
  int32_t bos = -1, eos = -1;        // ids, -1: none
  std::vector<int32_t> stop_tokens;  // beside eos: eot, eom, what generation_config.json lists
  bool add_bos = false;              // a prompt begins with bos even where the template doesn't write it
};

class ChatFormat {
 public:
  explicit ChatFormat(std::shared_ptr<const Tokenizer> tokenizer) : tokenizer_(std::move(tokenizer)) {}
  virtual ~ChatFormat() = default;

  const Tokenizer& tokenizer() const { return *tokenizer_; }
  virtual std::string name() const = 0;  // "muse", "template" or "text"

  // Whether the model reasons before it answers, so that Opening::reasoning means something; where it
  // doesn't, that opening is the answer's.
  virtual bool can_reason() const = 0;

  // The conversation up to where generation begins. Opening::answer switches reasoning off. Errors:
  // invalid_argument (what the template raises; media that the format has no place for; a tool without a
  // name), exhausted (a template's limits).
  virtual Result<Prompt> render(const Conversation& conversation, Opening opening) const = 0;

  // A parser for what follows such a prompt; its tools are the conversation's, and without any, what looks
  // like a call is text.
  virtual std::unique_ptr<OutputParser> parser(const Conversation& conversation, Opening opening) const = 0;

  // Whether calls are written inside the answer; else each is a message of its own, which only Opening::free
  // leaves open.
  virtual bool calls_in_answer() const = 0;

  // What ends reasoning by force. next: Opening::answer begins the answer; Opening::free lets the model
  // choose between it and a call where these are messages of their own, else is the same. Empty if
  // can_reason() is false.
  virtual std::vector<int32_t> closing_tokens(Opening next) const = 0;

  // All tokens that end a turn.
  virtual const std::vector<int32_t>& stop_tokens() const = 0;

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
};

// The Muse format, if the tokenizer has its control tokens; else the source's template; else plain text.
// `where` names the model in errors. Errors: corrupt (a template that isn't one).
Result<std::shared_ptr<const ChatFormat>> make_chat_format(const ChatSource& source,
                                                           std::shared_ptr<const Tokenizer> tokenizer,
                                                           std::string_view where);

// Whether the tokenizer has the control tokens of the Muse format.
bool has_muse_tokens(const Tokenizer& tokenizer);

}  // namespace melete
