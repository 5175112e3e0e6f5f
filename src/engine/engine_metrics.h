// What an engine is doing, and how fast it has been lately.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace melete {

struct EngineMetrics {
  int64_t queued = 0, prefilling = 0, running = 0, sequences = 0;  // now
  int64_t refused = 0;                                             // queued prompts that found no room
  int64_t yielded = 0;  // prompts that gave up their pages to running sequences and began anew
  // Of the key-value cache: what sequences hold, and what is only kept to be found again.
  int64_t pages = 0, bytes = 0, cached_pages = 0, cached_bytes = 0, max_bytes = 0;
  int64_t evicted_nodes = 0;
  // Since the start. Prompts' positions that were asked for, and of those found in the cache.
  int64_t asked_tokens = 0, found_tokens = 0;
  int64_t prefilled_tokens = 0, decoded_tokens = 0, steps = 0;
  double busy_s = 0;
  // Of the last kRecentSteps steps that computed something.
  double step_p50_s = 0, step_p99_s = 0, step_max_s = 0;
  double prefilled_tokens_per_s = 0, decoded_tokens_per_s = 0;
};

// Counts steps and prompts computed at once.
class StepRecorder {
 public:
  static constexpr int64_t kRecentSteps = 256;

  void add(double seconds, int64_t prefilled, int64_t decoded);
  // Fills the fields of tokens, steps and times.
  void report(EngineMetrics& metrics) const;
  double last_s() const { return last_s_; }

 private:
  struct Step {
    double seconds;
    int64_t prefilled, decoded;
  };
  std::vector<Step> recent_;  // a ring once full
  size_t at_ = 0;
  int64_t steps_ = 0, prefilled_ = 0, decoded_ = 0;
  double busy_s_ = 0, last_s_ = 0;
};

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace melete
