// What a server has done since it started, for /metrics. Safe to use from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "agent/mode.h"
#include "server/generation/model_list.h"

namespace melete {

// Counts of seconds in fixed ranges, as Prometheus has them.
class Histogram {
 public:
  static constexpr std::array<double, 14> kBounds_s = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                       1,     2.5,  5,     10,   30,  60,   300};
  void add(double seconds);
  // The lines of the metric, with these labels ("mode=\"instant\"").
  std::string text(const std::string& name, const std::string& labels) const;

 private:
  std::array<int64_t, kBounds_s.size()> counts_{};  // at most that bound, not cumulative
  int64_t count_ = 0;
  double sum_s_ = 0;
};

class ServerMetrics {
 public:
  void count_answer(const std::string& mode, const Answer& answer);
  void count_failure(const std::string& mode, ErrorKind kind);
  void count_refusal();  // no room in the queue

  // Prometheus text of all of it.
  std::string text() const;

 private:
  struct OfMode {
    std::map<std::string, int64_t> finished;  // by how
    int64_t prompt_tokens = 0, reasoning_tokens = 0, answer_tokens = 0;
    Histogram first_token, total;
  };

  mutable std::mutex mutex_;
  std::map<std::string, OfMode> modes_;
  int64_t refused_ = 0;
};

// What the models' engines are doing.
std::string engine_metrics_text(const ModelList& models);

// "# TYPE name type" and a line.
std::string metric_text(const std::string& name, const char* type, double value);

}  // namespace melete
