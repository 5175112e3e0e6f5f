// metrics.jsonl, one line every few steps, and report.html, the curves of that file.
//
// A line of kind "train" holds means since the last one: step, loss, rate (factor), gradient_norm, tokens
// (all so far), tokens_per_s, wait_share, skipped, nll {family: nats a target}, accuracy {task: {level:
// {kind: share}}}. A line of kind "dev" holds step, nll and accuracy of the dev split.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace melete {

class MetricsFile {
 public:
  // Appends to `path` after cutting it to its first `bytes` bytes: what was written after the checkpoint is
  // repeated.
  static Result<MetricsFile> open(const std::filesystem::path& path, uint64_t bytes);

  Status add(const Json& line);
  uint64_t bytes() const { return bytes_; }

 private:
  std::filesystem::path path_;
  uint64_t bytes_ = 0;
};

// The lines of a metrics file; lines that aren't JSON objects (a torn last one) are left out.
Result<std::vector<Json>> read_metrics(const std::filesystem::path& path);

// A page with the curves: loss by family, accuracy by task and level (training and dev), learning rate,
// gradient norm, tokens a second, share of time waiting for data. `facts`: name and value pairs shown on top.
std::string html_report(const std::string& title,
                        const std::vector<std::pair<std::string, std::string>>& facts,
                        const std::vector<Json>& lines);

}  // namespace melete
