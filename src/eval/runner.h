// Asks a suite's questions in batches and grades the answers.
#pragma once

#include <functional>
#include <vector>

#include "eval/statistics.h"
#include "eval/suite.h"

namespace melete {

struct AskPlan {
  std::string mode = "instant";  // instant or thinking
  Effort effort = Effort::medium;
  bool blind = false;
  int64_t batch = 32;
  int64_t max_answer_tokens = 64;
  std::function<bool()> stop_requested = [] { return false; };
  std::function<void()> on_answer = [] {};
};

struct AskResult {
  std::vector<double> scores;  // [items], in [0, 1]
  std::vector<std::string> answers;
  int64_t reasoning_tokens = 0, answer_tokens = 0;
  double accuracy() const;
  Interval interval() const;
};

// Greedy, so that the result is a pure function of model and suite. Errors: those of Engine and render();
// cancelled.
Result<AskResult> ask_suite(const Suite& suite, const AskPlan& plan, Assistant& assistant);

}  // namespace melete
