// `melete train`: hands over to melete-train with the same arguments, --help included.
#include "cli/command.h"
#include "cli/trainer.h"

namespace melete {
namespace {

class TrainCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"train", "train a model from a run file", "Done by the program melete-train, which needs libtorch.", {"train runs/nano.toml"}};
  }

  void declare(CLI::App& app) override {
    app.set_help_flag("");
    app.prefix_command();
    app_ = &app;
  }

  Result<int> run() override {
    std::vector<std::string> words = {"train"};
    for (const std::string& word : app_->remaining()) words.push_back(word);
    return exec_trainer(words);
  }

 private:
  CLI::App* app_ = nullptr;
};

}  // namespace

MELETE_REGISTER_COMMAND(TrainCommand);

}  // namespace melete
