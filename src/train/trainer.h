// The training loop: batches in, updates, curriculum, metrics; its whole state goes into a checkpoint and
// comes back bit for bit, so an interrupted run ends with the weights of one that was not.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/progress.h"
#include "base/thread_pool.h"
#include "train/checkpoint_folder.h"
#include "train/config.h"
#include "train/metrics.h"
#include "train/model_port.h"
#include "train/optimizer.h"

namespace melete {

class Trainer {
 public:
  // `folder` is the run's; the maker and the model must outlive the trainer.
  Trainer(const TrainConfig& config, std::filesystem::path folder, const DocumentMaker& maker,
          TrainableModel& model);

  // Starts at step 0, or at the newest checkpoint. Errors: corrupt, unavailable.
  Status start_fresh();
  Status start_from_checkpoint();

  // Trains until the last step or an interrupt, with checkpoints every few minutes and one at the end; after
  // each, calls on_checkpoint. Errors: of the data, the disk, exhausted (gradients stay not finite). `until`:
  // stops there, as an interrupt would.
  Status run(const std::function<Status()>& on_checkpoint, int64_t until = INT64_MAX);

  int64_t step() const { return step_; }
  int num_threads() const { return pool_.num_threads(); }
  bool finished() const { return step_ >= schedule_.config().steps; }
  const Curriculum& curriculum() const { return curriculum_; }
  double tokens_per_s() const { return train_s_ > 0 ? static_cast<double>(tokens_here_) / train_s_ : 0; }
  double wait_share() const { return train_s_ > 0 ? stream_->waited_s() / train_s_ : 0; }

 private:
  // Sums since the last line of metrics.
  struct Window {
    int64_t steps = 0, tokens = 0, skipped = 0;
    double loss = 0, weight = 0, gradient_norm = 0, seconds = 0, waited_s = 0;
    std::vector<double> nll, targets;  // by family
  };

  void open_stream(std::map<int64_t, OpenLevels> snapshots);
  NamedTensors tensors() const;
  Status save();
  Status train_step();
  void observe(const Batch& batch, const BatchLoss& rows);
  Status write_metrics();
  Status evaluate(Progress& progress);

  const TrainConfig config_;
  const std::filesystem::path folder_;
  const DocumentMaker& maker_;
  TrainableModel& model_;
  ThreadPool pool_;
  Optimizer optimizer_;
  Schedule schedule_;
  Curriculum curriculum_;
  std::unique_ptr<DataStream> stream_;
  std::optional<MetricsFile> metrics_;
  std::vector<std::pair<BatchSpan, bool>> answers_;  // of the current step
  Window window_;
  int64_t step_ = 0, tokens_ = 0, bad_steps_ = 0;
  int64_t tokens_here_ = 0;  // trained by this process
  double train_s_ = 0, last_loss_ = 0;
};

}  // namespace melete
