#include "engine/ngram.h"

#include <algorithm>

namespace melete {
namespace {

// Weight of one judged token in the moving average.
constexpr double kRate = 0.1;
// Expected tokens for the cost of one, from which a draft pays.
constexpr double kLeastGain = 1.03;
constexpr int64_t kProbeLength = 2;

uint64_t hash_of(std::span<const int32_t> tokens) {
  uint64_t hash = tokens.size();
  for (const int32_t token : tokens) {
    hash = (hash ^ static_cast<uint32_t>(token)) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 31;
  }
  return hash;
}

}  // namespace

void NgramDrafter::append(std::span<const int32_t> tokens) {
  for (const int32_t token : tokens) {
    const auto end = std::ssize(history_);
    for (int n = kMinMatch; n <= kMaxMatch && n <= end; ++n) {
      const auto gram = std::span(history_).last(static_cast<size_t>(n));
      if (std::find(gram.begin(), gram.end(), -1) == gram.end())
        continuations_[static_cast<size_t>(n - kMinMatch)][hash_of(gram)] = end;
    }
    history_.push_back(token);
  }
}

// The length whose expected tokens, for the cost of its rows, are most; 0 if none pays.
int64_t NgramDrafter::best_length(double acceptance) const {
  double expected = 1, all_accepted = 1, best_gain = kLeastGain;
  int64_t best = 0;
  for (int64_t length = 1; length <= kMaxDraft; ++length) {
    all_accepted *= acceptance;
    expected += all_accepted;
    const double gain = expected / (1 + kRowCost * static_cast<double>(length));
    if (gain <= best_gain) continue;
    best_gain = gain;
    best = length;
  }
  return best;
}

Draft NgramDrafter::draft(int64_t most) const {
  const auto size = std::ssize(history_);
  Draft draft;
  for (int n = kMaxMatch; n >= kMinMatch; --n) {
    if (n > size) continue;
    const auto gram = std::span(history_).last(static_cast<size_t>(n));
    const auto& known = continuations_[static_cast<size_t>(n - kMinMatch)];
    const auto found = known.find(hash_of(gram));
    // Hashes may collide: the tokens themselves decide.
    if (found == known.end() || !std::equal(gram.begin(), gram.end(), history_.begin() + found->second - n))
      continue;
    int64_t length = best_length(acceptance(n));
    if (length == 0 && size - last_draft_ >= kPause) length = kProbeLength;
    for (int64_t i = 0; i < std::min(length, most); ++i) {
      // A continuation that runs into the text's end goes on with what it has drafted itself: a period.
      const int64_t at = found->second + i;
      const int32_t token =
          at < size ? history_[static_cast<size_t>(at)] : draft.tokens[static_cast<size_t>(at - size)];
      if (token < 0) break;
      draft.tokens.push_back(token);
    }
    if (!draft.tokens.empty()) draft.match = n;
    return draft;
  }
  return draft;
}

void NgramDrafter::report(const Draft& draft, int64_t num_accepted) {
  if (draft.match == 0) return;
  last_draft_ = num_tokens();
  num_drafted_ += std::ssize(draft.tokens);
  num_accepted_ += num_accepted;
  // The first refused token is judged too; what comes after it says nothing.
  const bool refused = num_accepted < std::ssize(draft.tokens);
  double& share = acceptance_[static_cast<size_t>(draft.match - kMinMatch)];
  for (int64_t i = 0; i < num_accepted; ++i) share += kRate * (1 - share);
  if (refused) share -= kRate * share;
}

}  // namespace melete
