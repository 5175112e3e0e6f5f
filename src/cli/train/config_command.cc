// `melete config`: every field of a run file, with default and help.
#include <iostream>

#include "base/config.h"
#include "cli/command.h"
#include "train/config.h"

namespace melete {
namespace {

class ConfigCommand : public Command {
 public:
  CommandInfo info() const override {
    return {.name = "config",
            .summary = "explain the fields of run files",
            .description = "Prints name, default and meaning of each field.",
            .examples = {"config", "config --schema"}};
  }

  void declare(CLI::App& app) override { app.add_flag("--schema", schema_, "print a JSON schema instead"); }

  Result<int> run() override {
    if (schema_) {
      std::cout << schema<TrainConfig>().dump(2) << "\n";
    } else {
      std::cout << explain<TrainConfig>();
    }
    return 0;
  }

 private:
  bool schema_ = false;
};

MELETE_REGISTER_COMMAND(ConfigCommand);

}  // namespace
}  // namespace melete
