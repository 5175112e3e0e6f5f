#include "agent/vote.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace melete {

double mode_e_value(int64_t votes_for, int64_t votes_against) {
  // t = sin^2(a) turns the integral into 2 * integral_{pi/4}^{pi/2} sin(a)^(2 n_c) cos(a)^(2 n_r) da, smooth
  // everywhere.
  constexpr int kIntervals = 64;  // even, for Simpson's rule
  const double low = std::numbers::pi / 4, step = low / kIntervals;
  const auto n_c = static_cast<double>(votes_for), n_r = static_cast<double>(votes_against);
  const double log_two = (n_c + n_r) * std::numbers::ln2;
  double sum = 0;
  for (int i = 0; i <= kIntervals; ++i) {
    const double angle = low + step * i, cosine = std::max(std::cos(angle), 1e-300);
    const double log_value =
        log_two + 2 * n_c * std::log(std::sin(angle)) + (n_r > 0 ? 2 * n_r * std::log(cosine) : 0.0);
    sum += std::exp(log_value) * (i == 0 || i == kIntervals ? 1 : i % 2 ? 4 : 2);
  }
  return 4 / std::numbers::pi * sum * step / 3;
}

void Vote::put(const std::string& key) {
  if (key.empty()) return;
  for (Candidate& candidate : candidates_)
    if (candidate.key == key) {
      ++candidate.votes;
      return;
    }
  candidates_.push_back({key, 1});
}

int64_t Vote::leader() const {
  const auto best =
      std::max_element(candidates_.begin(), candidates_.end(),
                       [](const Candidate& a, const Candidate& b) { return a.votes < b.votes; });
  return best == candidates_.end() ? -1 : best - candidates_.begin();
}

double Vote::leader_e_value() const {
  const int64_t best = leader();
  if (best < 0) return 0;
  const int64_t votes = candidates_[static_cast<size_t>(best)].votes;
  double least = mode_e_value(votes, 0);
  for (size_t i = 0; i < candidates_.size(); ++i)
    if (static_cast<int64_t>(i) != best) least = std::min(least, mode_e_value(votes, candidates_[i].votes));
  return least;
}

bool Vote::certified() const { return leader() >= 0 && leader_e_value() >= std::exp2(leader() + 1) / delta_; }

bool Vote::locked(int64_t remaining) const {
  const int64_t best = leader();
  if (best < 0) return false;
  int64_t second = 0;
  for (size_t i = 0; i < candidates_.size(); ++i)
    if (static_cast<int64_t>(i) != best) second = std::max(second, candidates_[i].votes);
  return candidates_[static_cast<size_t>(best)].votes - second > remaining;
}

}  // namespace melete
