// README and docs: every command line they show exists in the option table, every path they name exists.
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <sstream>

#include "base/file.h"
#include "cli/option_table.h"
#include "task/task.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = MELETE_SOURCE_DIR;

std::vector<fs::path> documents() {
  std::vector<fs::path> paths = {kRoot / "README.md"};
  for (const auto& entry : fs::directory_iterator(kRoot / "docs"))
    if (entry.path().extension() == ".md") paths.push_back(entry.path());
  return paths;
}

std::string content(const fs::path& path) {
  const auto text = read_file(path);
  EXPECT_TRUE(text.ok()) << path;
  return text.ok() ? *text : "";
}

// The words of each command line in the text's ```sh blocks: comments dropped, quotes removed, pipes cut.
std::vector<std::vector<std::string>> command_lines(const std::string& markdown) {
  std::vector<std::vector<std::string>> commands;
  std::istringstream in(markdown);
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("```", 0) == 0) {
      inside = line == "```sh";
      continue;
    }
    if (!inside) continue;
    std::vector<std::string> words = {""};
    char quote = 0;
    for (const char c : line) {
      if (quote != 0 ? c == quote : (c == '\'' || c == '"')) {
        quote = quote != 0 ? 0 : c;
      } else if (quote == 0 && (c == '#' || c == '|' || c == '>' || c == '&' || c == ';') &&
                 words.back().empty()) {
        break;
      } else if (quote == 0 && c == ' ') {
        if (!words.back().empty()) words.emplace_back();
      } else {
        words.back() += c;
      }
    }
    if (words.back().empty()) words.pop_back();
    if (!words.empty()) commands.push_back(words);
  }
  return commands;
}

TEST(Documentation, CommandLinesAreSplitAsAShellDoes) {
  const auto lines = command_lines(
      "x\n```sh\n./melete ask \"How many?\" --json  # why\n\n./dev test | less\n```\n./melete no\n");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], (std::vector<std::string>{"./melete", "ask", "How many?", "--json"}));
  EXPECT_EQ(lines[1], (std::vector<std::string>{"./dev", "test"}));
}

TEST(Documentation, EveryCommandExists) {
  const OptionTable table = option_table(Program({"melete", ""}));
  const std::string dev = content(kRoot / "dev");  // its head shows one command a line
  int num_commands = 0;
  for (const fs::path& path : documents()) {
    for (const std::vector<std::string>& words : command_lines(content(path))) {
      const std::string program = words[0];
      const std::vector<std::string> rest(words.begin() + 1, words.end());
      if (program == "./melete" || program == "melete") {
        EXPECT_EQ(unknown_in(table, rest), "") << path << ": " << testing::PrintToString(words);
        ++num_commands;
      }
      if (program == "./dev" && !rest.empty())
        EXPECT_NE(dev.find("./dev " + rest[0]), std::string::npos)
            << path << ": " << testing::PrintToString(words);
    }
  }
  EXPECT_GE(num_commands, 5);
}

TEST(Documentation, EveryTaskIsDescribed) {
  const std::string page = content(kRoot / "docs/tasks.md");
  for (const std::string& name : Registry<Task>::instance().names())
    EXPECT_NE(page.find("| `" + name + "` |"), std::string::npos) << name;
}

TEST(Documentation, EveryPathExists) {
  const std::regex named(
      "(^|[ `(\"=])((examples|models|runs|docs|tools|testdata|src|bench|e2e|fuzz|cmake)/[A-Za-z0-9_./-]+)");
  const std::regex link("\\]\\(([A-Za-z0-9_./-]+)(#[^)]*)?\\)");
  for (const fs::path& path : documents()) {
    const std::string text = content(path);
    for (auto it = std::sregex_iterator(text.begin(), text.end(), named); it != std::sregex_iterator();
         ++it) {
      std::string name = (*it)[2];
      while (name.back() == '.') name.pop_back();
      const bool weights = name.rfind("models/", 0) == 0;
      if (weights && !fs::exists(kRoot / "models/melete-nano")) continue;  // a checkout without weights
      EXPECT_TRUE(fs::exists(kRoot / name)) << path << " names " << name;
    }
    for (auto it = std::sregex_iterator(text.begin(), text.end(), link); it != std::sregex_iterator(); ++it)
      EXPECT_TRUE(fs::exists(path.parent_path() / (*it)[1].str())) << path << " links " << (*it)[1];
  }
}

}  // namespace
}  // namespace melete
