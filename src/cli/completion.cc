// Manual page and shell completion, written from the option table.
#include <algorithm>
#include <map>

#include "cli/option_table.h"

namespace melete {
namespace {

std::string roff(const std::string& text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      if (line_start && (c == '.' || c == '\'')) out += "\\&";
      out += c;
    }
    line_start = c == '\n';
  }
  return out;
}

std::string join(const std::vector<std::string>& words, const std::string& separator) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : separator) + word;
  return text;
}

std::string roff_options(const std::vector<OptionRow>& rows) {
  std::string out;
  for (const OptionRow& row : rows) {
    out += ".TP\n\\fB" + roff(join(row.names, ", ")) + "\\fR";
    if (!row.choices.empty()) {
      out += " " + roff(join(row.choices, "|"));
    } else if (!row.argument.empty() && !row.positional) {
      out += " \\fI" + roff(row.argument) + "\\fR";
    }
    out += "\n" + roff(row.help);
    if (!row.default_text.empty()) out += " (default " + roff(row.default_text) + ")";
    out += "\n";
  }
  return out;
}

// The words that may follow each command prefix: "" -> ask task..., "task" -> show list.
std::map<std::string, std::vector<std::string>> words_after(const OptionTable& table) {
  std::map<std::string, std::vector<std::string>> after;
  const auto add = [&](const std::string& prefix, const std::string& word) {
    auto& words = after[prefix];
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  };
  for (const OptionRow& row : table.options)
    for (const std::string& name : row.names) add("", name);
  for (const CommandRow& command : table.commands) {
    const size_t space = command.name.find(' ');
    add("", command.name.substr(0, space));
    if (space != std::string::npos) add(command.name.substr(0, space), command.name.substr(space + 1));
    for (const OptionRow& row : command.options)
      for (const std::string& name : row.positional ? row.choices : row.names) add(command.name, name);
  }
  return after;
}

std::map<std::string, std::string> choices_after(const OptionTable& table) {
  std::map<std::string, std::string> after;
  for (const CommandRow& command : table.commands)
    for (const OptionRow& row : command.options)
      for (const std::string& name : row.names)
        if (!row.positional && !row.choices.empty())
          after[command.name + " " + name] = join(row.choices, " ");
  return after;
}

// Both shells run this function; zsh through bashcompinit.
std::string completion_function(const OptionTable& table) {
  const std::string f = "_" + table.program.name;
  std::string function = f;
  std::replace(function.begin(), function.end(), '-', '_');
  std::string out = function + "() {\n";
  out +=
      "  local cur=${COMP_WORDS[COMP_CWORD]-} prev=${COMP_WORDS[COMP_CWORD-1]} first=${COMP_WORDS[1]-} key= "
      "words=\n";
  out += "  [ \"$COMP_CWORD\" -gt 1 ] && key=$first\n";
  out += "  case \"$first ${COMP_WORDS[2]-}\" in\n";
  for (const CommandRow& command : table.commands)
    if (command.name.find(' ') != std::string::npos)
      out += "    '" + command.name + "') [ \"$COMP_CWORD\" -gt 2 ] && key='" + command.name + "' ;;\n";
  out += "  esac\n  case \"$key $prev\" in\n";
  for (const auto& [key, choices] : choices_after(table))
    out += "    '" + key + "') COMPREPLY=($(compgen -W '" + choices + "' -- \"$cur\")); return ;;\n";
  out += "  esac\n  case \"$key\" in\n";
  for (const auto& [key, words] : words_after(table))
    out += "    '" + key + "') words='" + join(words, " ") + "' ;;\n";
  out += "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\") $(compgen -f -- \"$cur\"))\n}\n";
  out +=
      "complete -o filenames -F " + function + " " + table.program.name + " ./" + table.program.name + "\n";
  return out;
}

}  // namespace

std::string man_page(const OptionTable& table) {
  const std::string name = roff(table.program.name);
  std::string out = ".TH " + name + " 1\n.SH NAME\n" + name + " \\- " + roff(table.program.summary) +
                    "\n.SH SYNOPSIS\n.B " + name + "\n.I command\n.RI [ options ]\n.SH OPTIONS\n" +
                    roff_options(table.options) + ".SH COMMANDS\n";
  for (const CommandRow& command : table.commands) {
    out += ".SS " + name + " " + roff(command.name) + "\n" + roff(command.summary) + ".\n" +
           roff_options(command.options);
    if (!command.details.empty()) out += ".PP\n.nf\n" + roff(command.details) + "\n.fi\n";
  }
  out +=
      ".SH EXIT STATUS\n0 success, 2 wrong usage or input, 3 not found, 4 too large or out of room, 5 out of "
      "time, 6 corrupt "
      "file, 7 something needed is missing, 70 a bug in this program, 130 interrupted.\n";
  return out;
}

std::string bash_completion(const OptionTable& table) { return completion_function(table); }

std::string zsh_completion(const OptionTable& table) {
  return "autoload -U +X bashcompinit && bashcompinit\n" + completion_function(table);
}

}  // namespace melete
