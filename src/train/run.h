// A training run as a whole: its folder, tokenizer, model, training, report and export.
//
// run/NAME holds config.toml (resolved), run.json (commit, seed, machine), tokenizer.json, metrics.jsonl,
// report.html, checkpoints/ and model/ (Hugging Face layout, as of the last checkpoint).
//
// What may change on resume: run.threads (no bit changes), run.checkpoint_minutes, run.log_steps, schedule.*
// (train/schedule.h says how the rate goes on), eval.*, mixture.*, curriculum.*, optimizer.*,
// data.tokens_per_step, data.micro_batches, data.threads, data.fill. The model, media limits, seed,
// tokenizer, data.steps_per_group and data.lookahead may not.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "train/config.h"

namespace melete {

struct RunOptions {
  std::filesystem::path runs_folder = "run";
  bool resume = false;
  bool replace = false;             // delete what an earlier run of this name left
  std::filesystem::path export_to;  // a second copy of the model; empty: none
};

// Trains to the end or to an interrupt. Errors: invalid_argument (config, or a change that resume doesn't
// allow, named), unavailable (another process trains in this folder, the disk), cancelled (interrupted; the
// checkpoint is written), and those of Trainer.
Status train_run(const TrainConfig& config, const RunOptions& options);

// Names of the fields that differ ("schedule.steps"), in order.
std::vector<std::string> changed_fields(TrainConfig before, TrainConfig after);

// Empty if a run of `before` may go on as `after`, else what must stay.
std::string resume_problem(const TrainConfig& before, const TrainConfig& after);

}  // namespace melete
