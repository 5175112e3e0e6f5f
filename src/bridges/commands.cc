#include "bridges/commands.h"

#include "base/ascii.h"
#include "base/check.h"
#include "text/scan.h"

namespace melete {
namespace {

std::optional<BridgeCommand::Kind> known_command(std::string_view name) {
  using Kind = BridgeCommand::Kind;
  if (name == "new") return Kind::fresh;
  if (name == "mode") return Kind::mode;
  if (name == "stop") return Kind::stop;
  if (name == "help" || name == "start") return Kind::help;  // Telegram's apps send /start at first
  return std::nullopt;
}

}  // namespace

std::optional<BridgeCommand> read_command(std::string_view text, std::string_view account) {
  text = trimmed(text);
  if (text.size() < 2 || (text[0] != '/' && text[0] != '!')) return std::nullopt;
  const size_t end = std::min(text.find_first_of(kSpaces), text.size());
  std::string name = lower_ascii(text.substr(1, end - 1));
  if (const size_t at = name.find('@'); at != std::string::npos && name.substr(at) == lower_ascii(account))
    name.resize(at);
  const std::string argument = lower_ascii(trimmed(text.substr(end)));
  if (const auto kind = known_command(name)) return BridgeCommand{*kind, argument};
  const bool is_word = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789") == std::string::npos;
  if (text[0] == '/' && is_word && argument.empty()) return BridgeCommand{BridgeCommand::Kind::unknown, name};
  return std::nullopt;
}

const std::vector<CommandHelp>& chat_commands() {
  static const std::vector<CommandHelp> kCommands = {
      {"new", "forget this conversation and begin a new one"},
      {"mode", "how to answer: instant, thinking or contemplating"},
      {"stop", "end the answer that is being written"},
      {"help", "what I can do"}};
  return kCommands;
}

std::string help_text() {
  std::string text = "Write to me, or send a picture or a voice note, and I answer.\n";
  for (const CommandHelp& command : chat_commands()) text += cat("\n/", command.name, " - ", command.summary);
  return text + "\n\nWhere an app keeps / to itself, ! does the same: !new";
}

}  // namespace melete
