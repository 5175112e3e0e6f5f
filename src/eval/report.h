// The table of an evaluation: for people as Markdown (as in a model card), for programs as JSON.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/json.h"
#include "eval/runner.h"

namespace melete {

struct SuiteScore {
  SuiteSpec spec;
  int64_t count = 0;
  double majority = 0;
  bool has_context = false;
  AskResult instant, thinking, blind;  // blind: empty scores where there is no context to leave out
  double best() const { return std::max(instant.accuracy(), thinking.accuracy()); }
};

// One row a suite: accuracy with its 95 % interval in each mode, blind and majority baselines, reasoning
// tokens.
std::string to_markdown(const std::vector<SuiteScore>& scores);
Json to_json(const std::vector<SuiteScore>& scores);

}  // namespace melete
