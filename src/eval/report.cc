#include "eval/report.h"

#include <fmt/format.h>

namespace melete {
namespace {

std::string share_text(const AskResult& result) {
  if (result.scores.empty()) return "-";
  const Interval interval = result.interval();
  return fmt::format("{:.1f} ({:.1f}-{:.1f})", 100 * result.accuracy(), 100 * interval.low,
                     100 * interval.high);
}

double mean_tokens(const AskResult& result) {
  return result.scores.empty()
             ? 0
             : static_cast<double>(result.reasoning_tokens) / static_cast<double>(result.scores.size());
}

Json share_json(const AskResult& result) {
  if (result.scores.empty()) return nullptr;
  const Interval interval = result.interval();
  return {{"accuracy", result.accuracy()},
          {"low", interval.low},
          {"high", interval.high},
          {"reasoning_tokens", mean_tokens(result)}};
}

}  // namespace

std::string to_markdown(const std::vector<SuiteScore>& scores) {
  std::string table =
      "| task | level | n | instant % (95 %) | thinking % (95 %) | blind % | majority % | reasoning tokens "
      "|\n"
      "|---|---|---|---|---|---|---|---|\n";
  for (const SuiteScore& score : scores) {
    const std::string blind =
        score.blind.scores.empty() ? "-" : fmt::format("{:.1f}", 100 * score.blind.accuracy());
    table += fmt::format("| {} | {} | {} | {} | {} | {} | {:.1f} | {:.0f} |\n", score.spec.name(),
                         score.spec.level, score.count, share_text(score.instant), share_text(score.thinking),
                         blind, 100 * score.majority, mean_tokens(score.thinking));
  }
  return table;
}

Json to_json(const std::vector<SuiteScore>& scores) {
  Json rows = Json::array();
  for (const SuiteScore& score : scores)
    rows.push_back({{"task", score.spec.task},
                    {"kind", score.spec.kind},
                    {"level", score.spec.level},
                    {"n", score.count},
                    {"instant", share_json(score.instant)},
                    {"thinking", share_json(score.thinking)},
                    {"blind", share_json(score.blind)},
                    {"majority", score.majority}});
  return rows;
}

}  // namespace melete
