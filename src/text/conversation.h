// A conversation and its rendering in the Muse Spark format:
//   <|begin_of_text|> then <|start|>ROLE[ to=RECIPIENT]<|message|>BODY<|eom|> (same role continues) or
//   <|eot|>.
// Generation starts after exactly <|start|>assistant; a forced prefix (" to=user<|message|>") follows it if
// asked for. The same format as a Jinja template for other programs: text/chat_template.h.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "text/prompt.h"
#include "text/tokenizer.h"

namespace melete {

enum class Role { system, user, assistant, tool };
const char* name_of(Role role);

// Text is untrusted unless `trusted`: only trusted text may spell special tokens (location tokens in our
// traces).
struct TextPart {
  std::string text;
  bool trusted = false;
};
using MessagePart = std::variant<TextPart, std::shared_ptr<const Media>>;

struct Message {
  Role role = Role::user;
  std::string recipient;  // assistant: "self", "user" (also if empty), "commentary" or a tool, whose call
                          // the text is (tool_call_text); tool: the tool's name; empty elsewhere
  std::vector<MessagePart> parts;  // tool: the raw output, wrapped in <tool_output> when rendered
  bool ends_turn = true;           // <|eot|>, else <|eom|>
};

enum class Effort { none, low, medium, high, xhigh };
const char* name_of(Effort effort);
std::optional<Effort> parse_effort(std::string_view name);

struct Conversation {
  std::string system = {};       // free text before the strength line; may be empty
  Effort effort = Effort::none;  // none: no "Reasoning strength" line, answers go straight to the user
  std::vector<Json> tools =
      {};  // definitions: {"name", "description", "parameters"}, or {"function": such a one}
  std::vector<Message> messages = {};
};

// Where generation begins.
enum class Opening {
  free,       // after <|start|>assistant
  reasoning,  // after <|start|>assistant to=self<|message|>
  answer,     // after <|start|>assistant to=user<|message|>
  none,       // no assistant header: a finished conversation, for training
};

// The text of the system message: system text, strength, tools and valid recipients, with blank lines
// between. Empty (then there is no system message) without system text, effort and tools, since small models
// pay for every token.
std::string system_block(const Conversation& conversation);

// Errors: invalid_argument if the tokenizer lacks a needed special token (named), or a recipient or tool
// isn't a name.
Result<Prompt> render(const Conversation& conversation, const Tokenizer& tokenizer, Opening opening);

// As `render` with Opening::none, and a loss mask: 1 on every token an assistant must produce (recipient,
// body and closing token of its messages, and <|start|>assistant after its own <|eom|>), 0 elsewhere.
// message_of[i] is the index into messages, or -1.
struct SupervisedPrompt {
  Prompt prompt;
  std::vector<uint8_t> target;  // target[i]: token i is to be predicted (from position i - 1)
  std::vector<int32_t> message_of;
};
Result<SupervisedPrompt> render_supervised(const Conversation& conversation, const Tokenizer& tokenizer);

}  // namespace melete
