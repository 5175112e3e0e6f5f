// The program around the commands: builds one parser from the registry, runs the chosen command, and turns an
// Error into its exit code and a Bug into 70.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"

namespace melete {

struct ProgramInfo {
  std::string name;     // as typed
  std::string summary;  // one line
};

// All registered commands and the parser made from them.
class Program {
 public:
  explicit Program(ProgramInfo info);

  // Parses argv and runs. Returns the exit code: the command's, base/result.h's exit_code for an Error
  // (printed on stderr), 2 for wrong usage, 70 for a Bug.
  int run(int argc, const char* const* argv);

  const ProgramInfo& info() const { return info_; }
  const CLI::App& app() const { return app_; }

 private:
  struct Entry {
    std::unique_ptr<Command> command;
    CLI::App* app;
  };

  CLI::App* subcommand(const std::string& name, const std::string& summary);
  void add(std::unique_ptr<Command> command);
  int parse_failed(const CLI::ParseError& error);
  std::string advice() const;

  ProgramInfo info_;
  CLI::App app_;
  std::vector<Entry> entries_;
};

// Program(info).run(argc, argv): what a main() needs.
int run_program(const ProgramInfo& info, int argc, const char* const* argv);

}  // namespace melete
