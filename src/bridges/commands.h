// What a person can tell the bridge itself: /new, /mode, /stop, /help. "!new" is the same, since some clients
// keep messages that begin with a slash to themselves.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace melete {

struct BridgeCommand {
  enum class Kind { fresh, mode, stop, help, unknown };
  Kind kind = Kind::help;
  std::string argument;  // in small letters
};

// Nothing: the text is a question. A known command with whatever follows it, also "/mode@our_bot thinking";
// of others, one that stands alone is `unknown`. `account`: "@our_bot".
std::optional<BridgeCommand> read_command(std::string_view text, std::string_view account);

struct CommandHelp {
  std::string name, summary;
};
const std::vector<CommandHelp>& chat_commands();

// The answer to /help.
std::string help_text();

}  // namespace melete
