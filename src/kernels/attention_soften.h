// The softmax of one row of scores, which attention over floats and over integers share.
#pragma once

#include "kernels/attention_table.h"
#include "kernels/math_body.h"
#include "kernels/norm_body.h"

namespace melete {

// What a weight is of its score's distance to the greatest one: e^x; of integer types 2^x, since their scores
// come times log2 e and their weights are rounded to 13 bits.
template <class F, KvType kType>
typename F::V softmax_weight(typename F::V x) {
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

// to[r]: the value of rows[r] with the greatest bits, so an infinity or not-a-number if there is one.
template <class F, int R>
void max_bits_of_rows(const float (&rows)[R][16], float* to) {
  if constexpr (R == 8 && requires { F::Int::max_bits_of_eight(rows, to); }) {
    F::Int::max_bits_of_eight(rows, to);
  } else {
    for (int r = 0; r < R; ++r) {
      const int32_t bits = F::Int::max_abs_bits(F::load(rows[r]), F::zero());
      __builtin_memcpy(to + r, &bits, 4);
    }
  }
}

// The scores of rows of a chunk -> weights e^(score - m'), zero outside of what a row sees; updates each
// row's m and l. In passes over all rows, since within a row each step waits for the one before.
//
// kept: what is stored of a row's weights. state = kept.begin(), then state.next(page, weights) for each page
// in turn, then kept.end(row, state); of rows that see none of the chunk zeros are stored.
template <class F, KvType kType, int R>
class ChunkSoftmax {
  using V = typename F::V;

 public:
  // pages: of the chunk, from key `origin`; scores [R][kChunkKeys].
  ChunkSoftmax(const AttentionWork& w, float* scores, int64_t origin, int64_t pages)
      : w_(w), scores_(scores), origin_(origin), pages_(pages), m_((w.head_dim + 15) / 16 * 16) {}

  // worth: what each row's earlier sums are worth now.
  template <class Kept>
  [[gnu::flatten]] void run(float (&worth)[16], Kept& kept) {
    for (int r = 0; r < R; ++r) find_greatest(r);
    float tops[R];
    max_of_rows<F, R>(lanes_, tops);
    for (int r = 0; r < R; ++r) worth[r] = raise_top(r, tops[r]);
    for (int r = 0; r < R; ++r) weigh(r, kept);
    F::store(worth, softmax_weight<F, kType>(F::load(worth)));
    for (int r = 0; r < R; ++r) {
      float* l = w_.state[r] + m_ + 1;
      *l = *l * worth[r] + F::sum(F::load(lanes_[r]));
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

  // Returns m - m', the logarithm of what the row's earlier sums are worth.
  float raise_top(int r, float chunk_top) {
    if (!sees_[r]) return 0;
    const float before = w_.state[r][m_];
    tops_[r] = chunk_top > before ? chunk_top : before;
    w_.state[r][m_] = tops_[r];
    return before - tops_[r];
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
  template <class Kept>
  void weigh(int r, Kept& kept) {
    float* scores = scores_ + r * kChunkKeys;
    V sum = F::zero();
    if (sees_[r]) {
      auto state = kept.begin();
      const V top = F::set(tops_[r]);
      for (int64_t page = 0; page < pages_; ++page) {
        const V p = softmax_weight<F, kType>(F::sub(F::load(scores + 16 * page), top));
        F::store(scores + 16 * page, state.next(page, p));
        sum = F::add(sum, p);
      }
      kept.end(r, state);
    } else {
      for (int64_t i = 0; i < 16 * pages_; i += 16) F::store(scores + i, F::zero());
    }
    F::store(lanes_[r], sum);
  }

  const AttentionWork& w_;
  float* scores_;
  int64_t origin_, pages_, m_;  // m_: where m stands in a state
  float tops_[R];
  alignas(64) float lanes_[R][16];
  bool sees_[R];
};

// Keeps weights as they are.
template <class F>
struct KeptWeights {
  struct State {
    typename F::V next(int64_t, typename F::V p) const { return p; }
  };
  State begin() const { return {}; }
  void end(int, const State&) const {}
};

// Keeps weights times the values' scales, and the greatest product of each lane, by its bits.
template <class F, int R>
struct KeptProducts {
  using V = typename F::V;
  struct State {
    const std::byte* const* pages;
    int64_t offset;
    V most;

    V next(int64_t page, V p) {
      const V scale = F::load(reinterpret_cast<const float*>(pages[page] + offset));
      // A position that the row doesn't see may hold a scale that isn't finite.
      const V product = F::select(F::less(F::zero(), p), F::mul(p, scale), F::zero());
      most = F::Int::max_bits(product, most);
      return product;
    }
  };
  const std::byte* const* pages;
  int64_t offset;  // of the values' scales in a page
  alignas(64) float greatest[R][16];

  State begin() const { return {pages, offset, F::zero()}; }
  void end(int r, const State& s) { F::store(greatest[r], s.most); }
};

}  // namespace melete
