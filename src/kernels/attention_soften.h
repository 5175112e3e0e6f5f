// The softmax of one row of scores, which attention over floats and over integers share.
#pragma once

#include <cfloat>

#include "kernels/attention_table.h"
#include "kernels/math_body.h"
#include "kernels/norm_body.h"

namespace melete {

// e^x; of integer types 2^x, since their scores come times log2 e and their weights are rounded to 13 bits.
template <class F, KvType kType>
typename F::V softmax_exp(typename F::V x) {
  return is_integer(kType) ? exp2_lanes<F>(x) : exp_lanes<F>(x);
}

// to[r]: the greatest of rows[r].
template <class F, int R>
void max_of_rows(const float (&rows)[R][16], float* to) {
  if constexpr (R == 8 && requires { F::Int::max_of_eight(rows, to); }) {
    F::Int::max_of_eight(rows, to);
  } else {
    for (int r = 0; r < R; ++r) to[r] = F::max(F::load(rows[r]));
  }
}

// The scores of rows of a chunk -> weights e^(score - reference), zero outside of what a row sees; updates
// each row's m and l. In passes over all rows, since within a row each step waits for the one before.
//
// Kept says what becomes of weights. Of floats the reference is m'; of integers the chunk's greatest score,
// so that the greatest weight is Kept::kLimit, and a weight adds `unit` times itself to the row's sums.
template <class F, KvType kType, int R, class Kept>
class ChunkSoftmax {
  using V = typename F::V;

 public:
  // pages: of the chunk, from key `origin`; scores [R][kChunkKeys].
  ChunkSoftmax(const AttentionWork& w, float* scores, const Kept& kept, int64_t origin, int64_t pages)
      : w_(w),
        scores_(scores),
        kept_(kept),
        origin_(origin),
        pages_(pages),
        m_((w.head_dim + 15) / 16 * 16) {}

  // worth: what each row's earlier sums are worth now; unit: what its weights are.
  [[gnu::flatten]] void run(float (&worth)[16], float (&unit)[16]) {
    for (int r = 0; r < R; ++r) find_greatest(r);
    float tops[R];
    max_of_rows<F, R>(lanes_, tops);
    for (int r = 0; r < R; ++r) raise_top(r, tops[r], worth[r], unit[r]);
    for (int r = 0; r < R; ++r) weigh(r);
    F::store(worth, softmax_exp<F, kType>(F::load(worth)));
    if constexpr (is_integer(kType)) {
      const V part = F::set(1.0f / static_cast<float>(Kept::kLimit));
      F::store(unit, F::mul(softmax_exp<F, kType>(F::load(unit)), part));
    }
    for (int r = 0; r < R; ++r) {
      float* l = w_.state[r] + m_ + 1;
      const float sum = F::sum(F::load(lanes_[r]));
      *l = *l * worth[r] + (is_integer(kType) ? sum * unit[r] : sum);
    }
  }

 private:
  // Masks what the row doesn't see; lanes_: the greatest scores of each lane.
  void find_greatest(int r) {
    float* scores = scores_ + r * kChunkKeys;
    const int64_t first = w_.first_key[r], last = w_.last_key[r], end = origin_ + 16 * pages_;
    sees_[r] = last >= origin_ && first < end;
    if (sees_[r] && (first > origin_ || last < end - 1)) mask(scores, first, last);
    V best = F::set(-__builtin_inff());
    for (int64_t i = 0; i < 16 * pages_; i += 16) best = F::max(F::load(scores + i), best);
    F::store(lanes_[r], best);
  }

  // worth, unit: their logarithms.
  void raise_top(int r, float chunk_top, float& worth, float& unit) {
    worth = unit = 0;
    if (!sees_[r]) return;
    const float before = w_.state[r][m_], top = chunk_top > before ? chunk_top : before;
    w_.state[r][m_] = top;
    worth = before - top;
    reference_[r] = top;
    if constexpr (is_integer(kType)) {
      // Finite, so that scores of minus infinity beside others weigh zero.
      reference_[r] = chunk_top > -FLT_MAX ? chunk_top : -FLT_MAX;
      unit = reference_[r] - top;
    }
  }

  void mask(float* scores, int64_t first, int64_t last) const {
    const V lowest = F::set(-__builtin_inff());
    for (int64_t i = 0; i < 16 * pages_; i += 16) {
      const int64_t key = origin_ + i;
      const auto seen = F::without(F::first(last + 1 - key), F::first(first - key));
      F::store(scores + i, F::select(seen, F::load(scores + i), lowest));
    }
  }

  // lanes_: the sums of each lane's weights.
  void weigh(int r) {
    const float* scores = scores_ + r * kChunkKeys;
    V sum = F::zero();
    if (sees_[r]) {
      const V reference = F::set(reference_[r]);
      for (int64_t page = 0; page < pages_; ++page) {
        const V weight = Kept::weight(F::sub(F::load(scores + 16 * page), reference));
        sum = kept_.add(sum, page, weight);
        kept_.store(r, page, weight);
      }
    } else {
      for (int64_t page = 0; page < pages_; ++page) kept_.store(r, page, F::zero());
    }
    F::store(lanes_[r], sum);
  }

  const AttentionWork& w_;
  float* scores_;
  const Kept& kept_;
  int64_t origin_, pages_, m_;  // m_: where m stands in a state
  float reference_[R] = {};
  alignas(64) float lanes_[R][16];
  bool sees_[R];
};

}  // namespace melete
