// A conversation and its rendering in the Muse Spark format:
//   <|begin_of_text|> then <|start|>ROLE[ to=RECIPIENT]<|message|>BODY<|eom|> (same role continues) or <|eot|>.
// Generation starts after exactly <|start|>assistant; a forced prefix (" to=user<|message|>") follows it if asked for.
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

// Text is untrusted unless `trusted`: only trusted text may spell special tokens (location tokens in our traces).
struct TextPart {
  std::string text;
  bool trusted = false;
};
using MessagePart = std::variant<TextPart, std::shared_ptr<const Media>>;

struct Message {
  Role role = Role::user;
  std::string recipient;            // assistant: "self", "user", "commentary" or a tool; empty elsewhere
  std::vector<MessagePart> parts;
  bool ends_turn = true;            // <|eot|>, else <|eom|>
};

enum class Effort { none, low, medium, high, xhigh };
const char* name_of(Effort effort);
std::optional<Effort> parse_effort(std::string_view name);

struct Conversation {
  std::string system;               // free text before the strength line; may be empty
  Effort effort = Effort::none;     // none: no "Reasoning strength" line, answers go straight to the user
  std::vector<Json> tools;          // tool definitions, rendered into the system block
  std::vector<Message> messages;
};

// Where generation begins.
enum class Opening {
  free,        // after <|start|>assistant
  reasoning,   // after <|start|>assistant to=self<|message|>
  answer,      // after <|start|>assistant to=user<|message|>
  none,        // no assistant header: a finished conversation, for training
};

// Errors: invalid_argument if the tokenizer lacks a needed special token (named).
Result<Prompt> render(const Conversation& conversation, const Tokenizer& tokenizer, Opening opening);

// As `render` with Opening::none, and a loss mask: 1 on every token an assistant must produce (recipient, body and
// closing token of its messages), 0 elsewhere. message_of[i] is the index into messages, or -1.
struct SupervisedPrompt {
  Prompt prompt;
  std::vector<uint8_t> target;      // target[i]: token i is to be predicted (from position i - 1)
  std::vector<int32_t> message_of;
};
Result<SupervisedPrompt> render_supervised(const Conversation& conversation, const Tokenizer& tokenizer);

}  // namespace melete
