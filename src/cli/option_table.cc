#include "cli/option_table.h"

#include <algorithm>

namespace melete {
namespace {

// CLI11 writes "{bash,zsh}" as the type of an option that is checked by IsMember.
std::vector<std::string> choices_of(const std::string& type) {
  const size_t open = type.find('{'), close = type.find('}');
  std::vector<std::string> choices;
  if (open == std::string::npos || close == std::string::npos) return choices;
  std::string word;
  for (size_t i = open + 1; i <= close; ++i) {
    if (i < close && type[i] != ',') {
      word += type[i];
    } else {
      choices.push_back(word);
      word.clear();
    }
  }
  return choices;
}

OptionRow option_row(const CLI::Option& option) {
  OptionRow row;
  row.positional = option.get_positional() && !option.nonpositional();
  if (row.positional) row.names.push_back(option.get_single_name());
  for (const std::string& name : option.get_snames()) row.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) row.names.push_back("--" + name);
  const std::string type = option.get_type_name();
  row.choices = choices_of(type);
  if (option.get_type_size_max() > 0)
    row.argument = row.choices.empty() ? type.substr(0, type.find(':')) : "CHOICE";
  row.help = option.get_description();
  row.default_text = option.get_default_str();
  row.required = option.get_required();
  return row;
}

std::vector<OptionRow> option_rows(const CLI::App& app) {
  std::vector<OptionRow> rows;
  for (const CLI::Option* option : app.get_options())
    if (!option->get_group().empty()) rows.push_back(option_row(*option));
  return rows;
}

void add_commands(const CLI::App& app, const std::string& prefix, std::vector<CommandRow>& rows) {
  for (const CLI::App* child : app.get_subcommands(std::function<bool(const CLI::App*)>{})) {
    const std::string name = prefix + child->get_name();
    if (!child->get_subcommands(std::function<bool(const CLI::App*)>{}).empty()) {
      add_commands(*child, name + " ", rows);
    } else {
      rows.push_back({name, child->get_description(), child->get_footer(), option_rows(*child),
                      child->get_prefix_command()});
    }
  }
}

bool starts_with_words(const std::vector<std::string>& words, const std::string& name, size_t& count) {
  std::istringstream in(name);
  std::string word;
  count = 0;
  while (in >> word) {
    if (count >= words.size() || words[count] != word) return false;
    ++count;
  }
  return true;
}

}  // namespace

OptionTable option_table(const Program& program) {
  OptionTable table{program.info(), option_rows(program.app()), {}};
  add_commands(program.app(), "", table.commands);
  std::sort(table.commands.begin(), table.commands.end(),
            [](const CommandRow& a, const CommandRow& b) { return a.name < b.name; });
  return table;
}

std::string unknown_in(const OptionTable& table, const std::vector<std::string>& words) {
  const std::vector<OptionRow>* options = &table.options;
  size_t used = 0;
  const CommandRow* command = nullptr;
  for (const CommandRow& row : table.commands) {
    size_t count = 0;
    if (starts_with_words(words, row.name, count) && count > used) command = &row, used = count;
  }
  if (!command && !words.empty() && words.front().rfind("-", 0) != 0)
    return "no command '" + words.front() + "'";
  if (command && command->passes_everything_on) return {};
  if (command) options = &command->options;
  for (size_t i = used; i < words.size(); ++i) {
    if (words[i].size() < 2 || words[i][0] != '-' || words[i] == "--") continue;
    const std::string name = words[i].substr(0, words[i].find('='));
    const bool known = std::any_of(options->begin(), options->end(), [&](const OptionRow& row) {
      return std::find(row.names.begin(), row.names.end(), name) != row.names.end();
    });
    if (!known) return cat("'", command ? command->name : "", "' has no option ", name);
  }
  return {};
}

}  // namespace melete
