#include "engine/engine_metrics.h"

#include <algorithm>

namespace melete {

void StepRecorder::add(double seconds, int64_t prefilled, int64_t decoded) {
  const Step step{seconds, prefilled, decoded};
  if (std::ssize(recent_) < kRecentSteps) {
    recent_.push_back(step);
  } else {
    recent_[at_] = step;
    at_ = (at_ + 1) % recent_.size();
  }
  ++steps_;
  prefilled_ += prefilled;
  decoded_ += decoded;
  busy_s_ += seconds;
  last_s_ = seconds;
}

void StepRecorder::report(EngineMetrics& metrics) const {
  metrics.steps = steps_;
  metrics.prefilled_tokens = prefilled_;
  metrics.decoded_tokens = decoded_;
  metrics.busy_s = busy_s_;
  if (recent_.empty()) return;
  std::vector<double> times;
  double total = 0;
  int64_t prefilled = 0, decoded = 0;
  for (const Step& step : recent_) {
    times.push_back(step.seconds);
    total += step.seconds;
    prefilled += step.prefilled;
    decoded += step.decoded;
  }
  std::sort(times.begin(), times.end());
  const auto quantile = [&](double q) {
    return times[static_cast<size_t>(q * static_cast<double>(times.size() - 1))];
  };
  metrics.step_p50_s = quantile(0.5);
  metrics.step_p99_s = quantile(0.99);
  metrics.step_max_s = times.back();
  if (total <= 0) return;
  metrics.prefilled_tokens_per_s = static_cast<double>(prefilled) / total;
  metrics.decoded_tokens_per_s = static_cast<double>(decoded) / total;
}

}  // namespace melete
