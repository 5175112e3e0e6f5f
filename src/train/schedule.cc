#include "train/schedule.h"

#include <algorithm>
#include <cmath>

namespace melete {

std::string ScheduleConfig::problem() const {
  if (steps < 1) return cat("steps must be at least 1, got ", steps);
  if (warmup_steps < 0 || warmup_steps > steps)
    return cat("warmup_steps must be 0 to steps=", steps, ", got ", warmup_steps);
  if (!(decay_share >= 0 && decay_share <= 1)) return cat("decay_share must be 0 to 1, got ", decay_share);
  if (!(final_factor >= 0 && final_factor <= 1))
    return cat("final_factor must be 0 to 1, got ", final_factor);
  return {};
}

int64_t Schedule::decay_begin() const {
  const auto planned =
      config_.steps -
      static_cast<int64_t>(std::llround(config_.decay_share * static_cast<double>(config_.steps)));
  return std::max(planned, earliest_decay_);
}

double Schedule::factor(int64_t step) const {
  const double warmup = step < config_.warmup_steps
                            ? static_cast<double>(step + 1) / static_cast<double>(config_.warmup_steps)
                            : 1.0;
  double factor = plateau_;
  const int64_t begin = decay_begin(), length = config_.steps - begin;
  if (step >= begin && length > 0) {
    const double progress =
        std::min(1.0, static_cast<double>(step - begin + 1) / static_cast<double>(length));
    const double low = std::min(config_.final_factor, plateau_);
    factor = plateau_ + (low - plateau_) * progress;
  }
  return warmup * factor;
}

Schedule Schedule::resumed(const ScheduleConfig& config, int64_t step) const {
  const bool same = config.steps == config_.steps && config.decay_share == config_.decay_share &&
                    config.final_factor == config_.final_factor &&
                    config.warmup_steps == config_.warmup_steps;
  if (same) return *this;
  Schedule next(config);
  next.earliest_decay_ = step;
  next.plateau_ = plateau_;
  if (step > decay_begin()) next.plateau_ = factor(step - 1);
  return next;
}

Json Schedule::to_json() const {
  return {{"steps", config_.steps},
          {"warmup_steps", config_.warmup_steps},
          {"decay_share", config_.decay_share},
          {"final_factor", config_.final_factor},
          {"plateau", plateau_},
          {"earliest_decay", earliest_decay_}};
}

Result<Schedule> Schedule::from_json(const Json& state) {
  try {
    ScheduleConfig config;
    config.steps = state.at("steps").get<int64_t>();
    config.warmup_steps = state.at("warmup_steps").get<int64_t>();
    config.decay_share = state.at("decay_share").get<double>();
    config.final_factor = state.at("final_factor").get<double>();
    if (const std::string problem = config.problem(); !problem.empty())
      return corrupt("[checkpoint schedule] ", problem);
    Schedule schedule(config);
    schedule.plateau_ = state.at("plateau").get<double>();
    schedule.earliest_decay_ = state.at("earliest_decay").get<int64_t>();
    return schedule;
  } catch (const Json::exception& error) {
    return corrupt("[checkpoint schedule] must hold the schedule's fields, got: ", error.what());
  }
}

}  // namespace melete
