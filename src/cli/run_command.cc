// `melete run`: any model, one question or a conversation.
#include "cli/ask_command_run.h"
#include "cli/command.h"

namespace melete {
namespace {

class RunCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"run",
            "talk to any model: a name of `models list`, a .gguf file or a model's folder",
            "With a prompt, answers it; with -, the prompt is read from standard input; without one, holds a "
            "conversation as `melete chat` does. A model that is larger than the free memory is refused.",
            {"run smollm2 \"Write a haiku about rain\"", "run ./qwen3-0.6b-q8_0.gguf",
             "run models/melete-nano --image examples/shapes.png \"How many red shapes are there?\""}};
  }

  void declare(CLI::App& app) override {
    app.add_option("model", options_.model, "a name in the models' folder, a .gguf file or a model's folder")
        ->required();
    app.add_option("prompt", prompt_, "the question; a conversation on standard input if not given");
    app.add_option("--image,--audio,--video,--file,-f", files_,
                   "a picture, sound, clip, CSV, TSV, JSON or text file; can be given again")
        ->take_all()
        ->allow_extra_args(false);
    app.add_option("--models", models_, "the models' folder; $XDG_DATA_HOME/melete/models if not given");
    options_.declare(app, /*with_model=*/false);
  }

  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(const auto path, find_model(options_.model, models_));
    options_.model_name = options_.model;
    options_.model = path.string();
    return prompt_.empty() ? run_chat(options_, files_) : run_ask(options_, prompt_, files_);
  }

 private:
  AskOptions options_;
  std::string prompt_, models_;
  std::vector<std::string> files_;
};

MELETE_REGISTER_COMMAND(RunCommand);

}  // namespace
}  // namespace melete
