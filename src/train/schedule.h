// Learning-rate schedule: linear warm-up, flat, linear decay ("WSD"; 2405.18392), as a factor on every peak
// rate.
//
// Extending a run: on resume with other `steps` or `decay_share`, the factor in force at the resumed step
// stays the new plateau (never above what it was), and the decay begins at the new schedule's place, or at
// once if that has passed. So a finished run continues from its small rate; a new run that starts from its
// weights (run.init_from) lifts it again.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace melete {

struct ScheduleConfig {
  int64_t steps = 1000;
  int64_t warmup_steps = 50;
  double decay_share = 0.5;    // the last share of the steps decays
  double final_factor = 0.02;  // of the peak, at the last step

  template <class Visitor>
  void visit(Visitor&& field) {
    field("steps", steps, "optimizer steps of the whole run; can be changed on resume");
    field("warmup_steps", warmup_steps, "steps of linear warm-up from 0");
    field("decay_share", decay_share,
          "share of the steps, at the end, over which the rate falls linearly; can be changed on resume");
    field("final_factor", final_factor, "learning rate at the last step, as a factor of the peak");
  }

  std::string problem() const;
};

class Schedule {
 public:
  explicit Schedule(const ScheduleConfig& config) : config_(config) {}

  // The factor for step 0 .. steps - 1 (the first optimizer step is 0).
  double factor(int64_t step) const;

  // The same run under `config` from `step` on: see above. Unchanged values leave the schedule as it is.
  Schedule resumed(const ScheduleConfig& config, int64_t step) const;

  const ScheduleConfig& config() const { return config_; }
  Json to_json() const;
  static Result<Schedule> from_json(const Json& state);

 private:
  int64_t decay_begin() const;

  ScheduleConfig config_;
  double plateau_ = 1.0;        // factor between warm-up and decay
  int64_t earliest_decay_ = 0;  // the step of the last resume that changed the schedule
};

}  // namespace melete
