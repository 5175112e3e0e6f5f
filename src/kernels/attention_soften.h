// The softmax of one row of scores, which attention over floats and over integers share.
#pragma once

#include "kernels/attention_table.h"
#include "kernels/math_body.h"
#include "kernels/norm_body.h"

namespace melete {

// The scores of rows of a chunk -> weights e^(score - m'), zero outside of what a row sees; updates each
// row's m and l. In three passes over all rows, since within a row each step waits for the one before.
//
// kept: what is stored of a row's weights. state = kept.begin(), then state.next(page, weights) for each page
// in turn, then kept.end(row, state); of rows that see none of the chunk zeros are stored.
template <class F, int R>
class ChunkSoftmax {
  using V = typename F::V;

 public:
  // pages: of the chunk, from key `origin`; scores [R][kChunkKeys].
  ChunkSoftmax(const AttentionWork& w, float* scores, int64_t origin, int64_t pages)
      : w_(w), scores_(scores), origin_(origin), pages_(pages), m_((w.head_dim + 15) / 16 * 16) {}

  // worth: what each row's earlier sums are worth now.
  template <class Kept>
  [[gnu::flatten]] void run(float (&worth)[16], Kept& kept) {
    for (int r = 0; r < R; ++r) worth[r] = find_top(r);
    for (int r = 0; r < R; ++r) weigh(r, kept);
    F::store(worth, exp_lanes<F>(F::load(worth)));
    for (int r = 0; r < R; ++r) {
      float* l = w_.state[r] + m_ + 1;
      *l = *l * worth[r] + F::sum(F::load(sums_[r]));
    }
  }

 private:
  // Masks what the row doesn't see; returns m - m', the logarithm of what its earlier sums are worth.
  float find_top(int r) {
    float* scores = scores_ + r * kChunkKeys;
    const int64_t first = w_.first_key[r], last = w_.last_key[r], end = origin_ + 16 * pages_;
    sees_[r] = last >= origin_ && first < end;
    if (!sees_[r]) return 0;
    if (first > origin_ || last < end - 1) mask(scores, first, last);
    V best = F::set(-__builtin_inff());
    for (int64_t i = 0; i < 16 * pages_; i += 16) best = F::max(F::load(scores + i), best);
    const float chunk_top = F::max(best), before = w_.state[r][m_];
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

  template <class Kept>
  void weigh(int r, Kept& kept) {
    float* scores = scores_ + r * kChunkKeys;
    V sum = F::zero();
    if (sees_[r]) {
      auto state = kept.begin();
      const V top = F::set(tops_[r]);
      for (int64_t page = 0; page < pages_; ++page) {
        const V p = exp_lanes<F>(F::sub(F::load(scores + 16 * page), top));
        F::store(scores + 16 * page, state.next(page, p));
        sum = F::add(sum, p);
      }
      kept.end(r, state);
    } else {
      for (int64_t i = 0; i < 16 * pages_; i += 16) F::store(scores + i, F::zero());
    }
    F::store(sums_[r], sum);
  }

  const AttentionWork& w_;
  float* scores_;
  int64_t origin_, pages_, m_;  // m_: where m stands in a state
  float tops_[R], sums_[R][16];
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

// Calls chunk(pages, next, next_offset, origin, num_pages) for each chunk of the work's pages; next: as many
// pages that are to be fetched meanwhile, at offsets that are next_offset greater.
template <class Chunk>
void each_chunk(const AttentionWork& w, const Chunk& chunk) {
  for (int64_t page = w.page_begin; page < w.page_end;) {
    const int64_t chunk_end = (page / kChunkPages + 1) * kChunkPages;
    const int64_t end = chunk_end < w.page_end ? chunk_end : w.page_end;
    const std::byte* const* pages = w.pages + (page - w.page_begin);
    const bool is_last = end + (end - page) > w.page_end;
    if (w.was_fetched || is_last) {
      const int64_t at = w.was_fetched ? page - w.page_begin : 0;
      chunk(pages, w.ahead + at, w.ahead_offset, page * kPagePositions, end - page);
    } else {
      chunk(pages, pages + (end - page), int64_t{0}, page * kPagePositions, end - page);
    }
    page = end;
  }
}

}  // namespace melete
