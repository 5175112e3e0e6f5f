// Tools that the caller runs: which the model may call, what a definition must be, calls as an answer has
// them, and the grammar of a call that must come.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "engine/grammar/grammar.h"
#include "text/conversation.h"
#include "text/tool_call.h"

namespace melete {

struct ToolChoice {
  enum class Kind {
    automatic,  // the model decides
    none,       // the model isn't told of the tools
    required,   // a call of any of them must come
    named       // a call of `name` must come
  };
  Kind kind = Kind::automatic;
  std::string name = {};

  // Whether a call must come: the answer is then held to held_call_grammar(), whatever the family's markup.
  bool is_held() const { return kind == Kind::required || kind == Kind::named; }
};

struct IssuedCall {
  std::string id;    // a function of the run: a replay gives the same
  std::string name;  // of one of the tools
  Json arguments;    // an object; of the tool's schema where a grammar held the call, else as it was written
};

// Errors: invalid_argument. Definitions, by their place ("tools[1]"): no valid name, the name of a recipient,
// a name twice, parameters that aren't an object or whose type isn't "object"; a choice that calls a tool
// which isn't there.
Status check_tools(const std::vector<Json>& tools, const ToolChoice& choice);

// What a held call is of, for ChatModel::grammar(): {"name": NAME, "arguments": {...}}, the arguments of that
// tool's parameters; of one without parameters, no arguments. Errors: those of check_tools; what a grammar
// can't take of a schema, naming the tool and the place in its parameters.
Result<GrammarSource> held_call_grammar(const std::vector<Json>& tools, const ToolChoice& choice);

// Reads a held call as it is written.
class HeldCall {
 public:
  // What of this piece belongs to the arguments, as it is spelled.
  std::string put(std::string_view text);
  const std::string& name() const { return name_; }  // whole when the arguments begin

 private:
  std::string name_;
  int64_t depth_ = 0;
  int64_t num_strings_ = 0;  // finished ones, of the outer object
  bool in_string_ = false, is_escaped_ = false;
};

// The whole text of a held call; nothing if it isn't one.
std::optional<ToolCall> parse_held_call(std::string_view text);

// The id of an agent's call number `index`. `run`: a hash of what the run is a function of.
std::string call_id(uint64_t run, int32_t agent, size_t index);

// When two agents' calls are the same vote: names and arguments with sorted keys, numbers by value, in any
// order of the calls. Empty without calls.
std::string calls_key(const std::vector<IssuedCall>& calls);

// Calls as the messages that end an assistant's turn. A result is a message of role tool with the tool's name
// as recipient; those of calls of one tool come in the order of the calls.
std::vector<Message> call_messages(const std::vector<IssuedCall>& calls);

// [{"id", "name", "arguments"}].
Json to_json(const std::vector<IssuedCall>& calls);

// NAME(ARGUMENTS), for people.
std::string call_line(const std::string& name, const Json& arguments);

}  // namespace melete
