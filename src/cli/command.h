// Command: one thing that `melete` or `melete-train` does, one file each, ending in
// MELETE_REGISTER_COMMAND(Type).
//
// Files named src/cli/*_command.cc go into `melete`, those in src/cli/train/ into `melete-train`. The program
// makes every command once, lets it declare its options, parses, and runs the chosen one. Help, man page and
// shell completion are made from the same declarations.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "base/registry.h"
#include "base/result.h"

namespace melete {

struct CommandInfo {
  std::string name;                        // "ask", or "task show" for a command inside a group
  std::string summary;                     // one line without a full stop, as in "answer one question"
  std::string description = {};            // further paragraphs for --help and the man page
  std::vector<std::string> examples = {};  // whole command lines, without the leading "melete"
};

class Command {
 public:
  virtual ~Command() = default;
  virtual CommandInfo info() const = 0;

  // Declares options and positionals on `app`, bound to members. Called once, before run().
  virtual void declare(CLI::App& app) = 0;

  // Does the work. Returns the exit code; an Error is printed on stderr and exits with its kind's code.
  virtual Result<int> run() = 0;
};

}  // namespace melete

#define MELETE_REGISTER_COMMAND(Type)                                       \
  static const ::melete::Registration<::melete::Command> registered_##Type( \
      #Type, [] { return std::make_unique<Type>(); })
