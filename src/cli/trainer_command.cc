// `melete train` and `melete config`: hand over to melete-train with the same arguments, --help included.
#include "cli/command.h"
#include "cli/trainer.h"

namespace melete {
namespace {

class TrainerCommand : public Command {
 public:
  explicit TrainerCommand(CommandInfo info) : info_(std::move(info)) {
    info_.description = "Done by the program melete-train, which needs libtorch.";
  }

  CommandInfo info() const override { return info_; }

  void declare(CLI::App& app) override {
    app.set_help_flag("");
    app.prefix_command();
    app_ = &app;
  }

  Result<int> run() override {
    std::vector<std::string> words = {info_.name};
    for (const std::string& word : app_->remaining()) words.push_back(word);
    return exec_trainer(words);
  }

 private:
  CommandInfo info_;
  CLI::App* app_ = nullptr;
};

class TrainCommand : public TrainerCommand {
 public:
  TrainCommand()
      : TrainerCommand({.name = "train",
                        .summary = "train a model from a run file",
                        .examples = {"train runs/nano.toml", "train --help"}}) {}
};

class ConfigCommand : public TrainerCommand {
 public:
  ConfigCommand() : TrainerCommand({.name = "config", .summary = "explain the fields of run files"}) {}
};

MELETE_REGISTER_COMMAND(TrainCommand);
MELETE_REGISTER_COMMAND(ConfigCommand);

}  // namespace
}  // namespace melete
