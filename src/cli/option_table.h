// The one table of commands and options, read from the parser; man page, shell completion and the
// documentation test are made from it.
#pragma once

#include <string>
#include <vector>

#include "cli/program.h"

namespace melete {

struct OptionRow {
  std::vector<std::string> names;  // "-v", "--verbose"; for a positional its name without dashes
  std::string argument;            // "TEXT", "INT"; empty for a flag
  std::string help;
  std::string default_text;  // empty if none
  std::vector<std::string> choices;
  bool positional = false;
  bool required = false;
};

struct CommandRow {
  std::string name;  // "task show"
  std::string summary;
  std::string details;  // description and examples
  std::vector<OptionRow> options;
  bool passes_everything_on = false;  // another program reads its options
};

struct OptionTable {
  ProgramInfo program;
  std::vector<OptionRow> options;    // before any command
  std::vector<CommandRow> commands;  // sorted by name
};

OptionTable option_table(const Program& program);

std::string man_page(const OptionTable& table);  // roff, section 1
std::string bash_completion(const OptionTable& table);
std::string zsh_completion(const OptionTable& table);

// Empty if `words` (without the program's name) is a command line that the table knows: the command exists
// and every word that starts with - names one of its options. Else what is wrong.
std::string unknown_in(const OptionTable& table, const std::vector<std::string>& words);

}  // namespace melete
