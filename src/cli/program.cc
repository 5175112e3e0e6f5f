#include "cli/program.h"

#include <cstdio>
#include <exception>
#include <iostream>

#include "base/build_info.h"
#include "base/log.h"
#include "base/text_distance.h"
#include "cli/option_table.h"

namespace melete {
namespace {

constexpr int kUsageExit = 2;
constexpr int kBugExit = 70;

// `melete man` and `melete completion SHELL` describe the program they are part of.
class ManCommand : public Command {
 public:
  explicit ManCommand(const Program& program) : program_(program) {}
  CommandInfo info() const override {
    return {"man", "print the manual page (roff)", {}, {"man | man -l -"}};
  }
  void declare(CLI::App& app) override {}
  Result<int> run() override {
    std::cout << man_page(option_table(program_));
    return 0;
  }

 private:
  const Program& program_;
};

class CompletionCommand : public Command {
 public:
  explicit CompletionCommand(const Program& program) : program_(program) {}
  CommandInfo info() const override {
    return {"completion",
            "print shell completion",
            "Load it with: source <(melete completion bash), or the same with zsh.",
            {"completion bash", "completion zsh"}};
  }
  void declare(CLI::App& app) override {
    app.add_option("shell", shell_, "bash or zsh")->required()->check(CLI::IsMember({"bash", "zsh"}));
  }
  Result<int> run() override {
    const OptionTable table = option_table(program_);
    std::cout << (shell_ == "bash" ? bash_completion(table) : zsh_completion(table));
    return 0;
  }

 private:
  const Program& program_;
  std::string shell_;
};

std::string footer(const ProgramInfo& program, const CommandInfo& info) {
  std::string text = info.description;
  if (!info.examples.empty()) text += text.empty() ? "Examples:" : "\n\nExamples:";
  for (const std::string& example : info.examples) text += "\n  " + program.name + " " + example;
  return text;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<std::string> subcommand_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* child : app.get_subcommands(std::function<bool(const CLI::App*)>{}))
    names.push_back(child->get_name());
  return names;
}

const CLI::App& deepest_parsed(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  return *at;
}

}  // namespace

Program::Program(ProgramInfo info) : info_(std::move(info)), app_(info_.summary, info_.name) {
  app_.require_subcommand(1);
  app_.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app_.set_version_flag("--version", info_.name + " " + build_version());
  app_.add_flag_callback(
      "-v,--verbose", [] { set_log_level(LogLevel::debug); }, "log details on stderr");
  const auto& registry = Registry<Command>::instance();
  for (const std::string& name : registry.names()) add(registry.make(name));
  add(std::make_unique<ManCommand>(*this));
  add(std::make_unique<CompletionCommand>(*this));
}

// Makes "task" and then "show" inside it for "task show"; a group's own summary lists what is inside.
CLI::App* Program::subcommand(const std::string& name, const std::string& summary) {
  const size_t space = name.find(' ');
  if (space == std::string::npos) return app_.add_subcommand(name, summary)->group("Commands");
  const std::string group = name.substr(0, space), inner = name.substr(space + 1);
  const auto same_name = app_.get_subcommands([&](CLI::App* child) { return child->get_name() == group; });
  CLI::App* parent = same_name.empty() ? app_.add_subcommand(group)->group("Commands") : same_name.front();
  if (same_name.empty()) {
    parent->require_subcommand(1);
  }
  const std::string before = parent->get_description();
  parent->description(before.empty() ? "commands: " + inner : before + ", " + inner);
  return parent->add_subcommand(inner, summary)->group("Commands");
}

void Program::add(std::unique_ptr<Command> command) {
  const CommandInfo info = command->info();
  CLI::App* app = subcommand(info.name, info.summary);
  app->footer(footer(info_, info));
  command->declare(*app);
  entries_.push_back({std::move(command), app});
}

// What the user probably meant, from the first word that the deepest parsed command doesn't know.
std::string Program::advice() const {
  const CLI::App& at = deepest_parsed(app_);
  std::string path;
  for (const CLI::App* up = &at; up != nullptr; up = up->get_parent())
    path = up->get_name() + (path.empty() ? "" : " ") + path;
  for (const std::string& word : app_.remaining(true)) {
    const bool option = word.rfind("-", 0) == 0;
    const auto candidates = option ? option_names(at) : subcommand_names(at);
    return cat("unknown ", option ? "option '" : "argument '", word, "'",
               did_you_mean(word.substr(0, word.find('=')), candidates), "; see ", path, " --help");
  }
  return cat("see ", path, " --help");
}

int Program::parse_failed(const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app_.exit(error);  // --help and --version
  const bool unknown_word =
      dynamic_cast<const CLI::ExtrasError*>(&error) || dynamic_cast<const CLI::RequiredError*>(&error);
  std::fflush(stdout);
  if (unknown_word && !app_.remaining(true).empty())
    std::cerr << info_.name << ": " << advice() << "\n";
  else
    std::cerr << info_.name << ": " << error.what() << "; " << advice() << "\n";
  return kUsageExit;
}

int Program::run(int argc, const char* const* argv) {
  try {
    app_.parse(argc, argv);
    const CLI::App& chosen = deepest_parsed(app_);
    for (Entry& entry : entries_) {
      if (entry.app != &chosen) continue;
      const Result<int> result = entry.command->run();
      if (result.ok()) return *result;
      std::cout.flush();
      std::cerr << info_.name << ": " << result.error().message << "\n";
      return exit_code(result.error().kind);
    }
    MELETE_CHECK(false, "no command for ", chosen.get_name());
  } catch (const CLI::ParseError& error) {
    return parse_failed(error);
  } catch (const Bug& bug) {
    std::cerr << info_.name << ": this is a bug in " << info_.name
              << ", please report it with the command line: " << bug.what() << "\n";
  } catch (const std::exception& error) {
    std::cerr << info_.name << ": this is a bug in " << info_.name
              << ", please report it with the command line: unexpected exception: " << error.what() << "\n";
  }
  return kBugExit;
}

int run_program(const ProgramInfo& info, int argc, const char* const* argv) {
  return Program(info).run(argc, argv);
}

}  // namespace melete
