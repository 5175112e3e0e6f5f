// The stream of training batches, made by background threads ahead of the trainer.
//
// Steps come in groups. A group's documents are drawn from (seed, group) and the curriculum's state at the
// start of the group `lookahead` before it, then packed into the micro-batches of its steps. So every step is
// a pure function of the seed and of training up to that fixed boundary: threads, timing and interruptions
// change nothing, and the snapshots of the last groups are all that a checkpoint needs.
#pragma once

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "train/document.h"

namespace melete {

struct StreamConfig {
  int64_t tokens_per_step = 8192;
  int64_t micro_batches = 2;
  int64_t steps_per_group = 4;
  int64_t lookahead = 2;
  int64_t threads = 1;
  double fill = 0.97;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("tokens_per_step", tokens_per_step, "positions of one optimizer step, at most; media count too");
    field("micro_batches", micro_batches, "forward and backward passes a step; more need less memory");
    field("steps_per_group", steps_per_group, "steps whose documents are drawn and packed together");
    field("lookahead", lookahead,
          "groups that are made ahead; the curriculum takes effect this many groups later");
    field("threads", threads, "threads that make documents");
    field("fill", fill, "share of tokens_per_step that is filled on average");
  }

  std::string problem() const;
  int64_t micro_batch_tokens() const { return tokens_per_step / micro_batches; }
};

using StepBatches = std::vector<Batch>;  // one a micro-batch

// The batches of one group's steps, [steps_per_group][micro_batches]. Pure.
Result<std::vector<StepBatches>> make_group(const DocumentMaker& maker, const StreamConfig& config,
                                            uint64_t seed, int64_t group, const OpenLevels& open);

class DataStream {
 public:
  // `snapshots`: open levels at the start of each group from max(0, first_group - lookahead) to first_group,
  // where first_group = first_step / steps_per_group. The maker must outlive the stream.
  DataStream(const DocumentMaker& maker, const StreamConfig& config, uint64_t seed, int64_t first_step,
             std::map<int64_t, OpenLevels> snapshots);
  ~DataStream();
  DataStream(const DataStream&) = delete;
  DataStream& operator=(const DataStream&) = delete;

  // The next step's batches; waits for them. Errors of DocumentMaker; rethrows a Bug of a task.
  Result<StepBatches> next();

  // Called before the first step of `group` (for groups after the first one).
  void publish(int64_t group, const OpenLevels& open);

  // What a checkpoint at the next step must keep.
  std::map<int64_t, OpenLevels> snapshots() const;

  double waited_s() const { return waited_s_; }  // time that next() has spent waiting

 private:
  struct Made {
    std::optional<Result<std::vector<StepBatches>>> batches;
    std::exception_ptr bug;
  };

  void work();
  int64_t snapshot_of(int64_t group) const { return std::max<int64_t>(0, group - config_.lookahead); }

  const DocumentMaker& maker_;
  const StreamConfig config_;
  const uint64_t seed_;
  int64_t step_;  // the next step

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, OpenLevels> snapshots_;
  std::map<int64_t, Made> made_;
  int64_t next_group_;
  bool stopping_ = false;
  double waited_s_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace melete
