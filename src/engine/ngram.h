// Drafts by n-gram look-up: what followed the last tokens when they stood in the text before is likely to
// follow again. The engine computes a draft's rows in one step and keeps those tokens that it would have
// drawn anyway, so that the text is the same, bit for bit.
//
// Source: prompt lookup decoding (github.com/apoorvumang/prompt-lookup-decoding); lossless verification as in
// speculative decoding, 2211.17192, here by equality, since a draw depends on nothing but seed, stream and
// index.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace melete {

struct Draft {
  std::vector<int32_t> tokens;
  int match = 0;  // tokens of the n-gram that was found again; 0: no draft
};

// Of one sequence. A fork copies it.
class NgramDrafter {
 public:
  static constexpr int kMinMatch = 2, kMaxMatch = 4;
  static constexpr int64_t kMaxDraft = 8;
  // What one more row adds to a step of one row.
  static constexpr double kRowCost = 0.12;
  // Without drafts for so many tokens, one is tried again.
  static constexpr int64_t kPause = 64;

  // Tokens that stand now: the prompt's (media as -1, which never matches), sampled ones, appended ones.
  void append(std::span<const int32_t> tokens);
  void append(int32_t token) { append(std::span(&token, 1)); }
  int64_t num_tokens() const { return static_cast<int64_t>(history_.size()); }

  // At most `most` tokens (and kMaxDraft) that may come next: the continuation of the latest occurrence of
  // the longest n-gram, as long as by the acceptance so far it is expected to pay.
  Draft draft(int64_t most) const;
  // How many of a draft's tokens, from its first on, were drawn.
  void report(const Draft& draft, int64_t num_accepted);

  int64_t num_drafted() const { return num_drafted_; }
  int64_t num_accepted() const { return num_accepted_; }
  // The share of tokens accepted after n-grams of this length, a moving average.
  double acceptance(int match) const { return acceptance_[static_cast<size_t>(match - kMinMatch)]; }

 private:
  int64_t best_length(double acceptance) const;

  std::vector<int32_t> history_;
  // n-gram -> where its latest continuation begins. The n-gram that ends the text has none yet.
  std::array<std::unordered_map<uint64_t, int64_t>, kMaxMatch - kMinMatch + 1> continuations_;
  std::array<double, kMaxMatch - kMinMatch + 1> acceptance_{0.6, 0.7, 0.8};
  int64_t last_draft_ = 0;  // tokens that stood then
  int64_t num_drafted_ = 0, num_accepted_ = 0;
};

}  // namespace melete
