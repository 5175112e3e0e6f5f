// `melete train FILE.toml`: trains a model from a run file.
#include "base/config.h"
#include "base/interrupt.h"
#include "cli/command.h"
#include "train/run.h"

namespace melete {
namespace {

class TrainCommand : public Command {
 public:
  CommandInfo info() const override {
    return {"train",
            "train a model from a run file",
            "The run's folder is run/NAME: checkpoints, metrics.jsonl, report.html and the model in Hugging "
            "Face layout. Ctrl-C "
            "writes a checkpoint and stops; --resume continues bit for bit, also after a crash. On resume, "
            "schedule.*, "
            "eval.*, optimizer.*, mixture.* and curriculum.* may be changed with --set, so a run can be "
            "extended; "
            "the model, the media limits, the tokenizer and the seed may not.",
            {"train runs/nano.toml", "train runs/nano.toml --set schedule.steps=20000 --resume"}};
  }

  void declare(CLI::App& app) override {
    app.add_option("file", file_, "run file (TOML); see runs/")->required()->type_name("FILE");
    app.add_option("--set", overrides_, "change one field, as in schedule.steps=2000; can be repeated")
        ->type_name("FIELD=VALUE")
        ->allow_extra_args(false);
    app.add_flag("--resume", options_.resume, "go on from the run's last checkpoint");
    app.add_flag("--replace", options_.replace, "delete what an earlier run of this name left");
    app.add_option("--runs", runs_, "folder of all runs")->type_name("DIR")->capture_default_str();
    app.add_option("--export", export_,
                   "write the trained model to this folder as well, in bfloat16 for shipping")
        ->type_name("DIR");
    app.add_flag("--check", check_, "only read and check the run file, and print it with all its fields");
  }

  Result<int> run() override {
    MELETE_ASSIGN_OR_RETURN(const TrainConfig config, read_config<TrainConfig>(file_, overrides_));
    if (check_) {
      std::fputs(to_toml(config).c_str(), stdout);
      return 0;
    }
    options_.runs_folder = runs_;
    options_.export_to = export_;
    catch_interrupts();
    MELETE_RETURN_IF_ERROR(train_run(config, options_));
    return 0;
  }

 private:
  std::string file_, runs_ = "run", export_;
  std::vector<std::string> overrides_;
  bool check_ = false;
  RunOptions options_;
};

MELETE_REGISTER_COMMAND(TrainCommand);

}  // namespace
}  // namespace melete
