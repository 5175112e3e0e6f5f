// The softmax of one row of scores, which attention over floats and over integers share.
#pragma once

#include "kernels/attention_table.h"
#include "kernels/math_body.h"
#include "kernels/norm_body.h"

namespace melete {

// One row's scores of `pages` pages from key `origin` -> weights e^(score - m'), zero outside first..last;
// updates m and l and returns m - m', the logarithm of what the row's earlier sums are worth now. What is
// stored of the weights of a page, if any is seen, is kept(page, weights).
template <class F, class Kept>
[[gnu::flatten]] float soften_row(float* scores, int64_t origin, int64_t pages, int64_t first, int64_t last,
                                  float* m, float* weights_sum, const Kept& kept) {
  using V = typename F::V;
  *weights_sum = 0;
  if (last < origin || first >= origin + 16 * pages) {
    for (int64_t i = 0; i < 16 * pages; i += 16) F::store(scores + i, F::zero());
    return 0;
  }
  const V lowest = F::set(-__builtin_inff());
  const bool whole = first <= origin && last >= origin + 16 * pages - 1;
  const auto masked = [&](int64_t i) {
    const int64_t key = origin + i;
    if (whole) return F::load(scores + i);
    return F::select(F::without(F::first(last + 1 - key), F::first(first - key)), F::load(scores + i),
                     lowest);
  };
  V best = lowest;
  for (int64_t i = 0; i < 16 * pages; i += 16) best = F::max(masked(i), best);
  const float chunk_top = F::max(best), before = *m, top = chunk_top > before ? chunk_top : before;
  V sum = F::zero();
  for (int64_t i = 0; i < 16 * pages; i += 16) {
    const V p = exp_lanes<F>(F::sub(masked(i), F::set(top)));
    F::store(scores + i, kept(i / 16, p));
    sum = F::add(sum, p);
  }
  *weights_sum = F::sum(sum);
  *m = top;
  return before - top;
}

// Scores of a chunk's R rows -> what kept(row, page, weights) makes of the weights; updates each row's m and
// l, fills worth.
template <class F, int R, class Kept>
void soften_chunk(const AttentionWork& w, float* scores, int64_t origin, int64_t num_pages,
                  float (&worth)[16], const Kept& kept) {
  const int64_t padded = (w.head_dim + 15) / 16 * 16;
  float sums[R];
  for (int r = 0; r < R; ++r)
    worth[r] = soften_row<F>(scores + r * kChunkKeys, origin, num_pages, w.first_key[r], w.last_key[r],
                             w.state[r] + padded, sums + r,
                             [&](int64_t page, typename F::V p) { return kept(r, page, p); });
  F::store(worth, exp_lanes<F>(F::load(worth)));
  for (int r = 0; r < R; ++r) {
    float* l = w.state[r] + padded + 1;
    *l = *l * worth[r] + sums[r];
  }
}

// Calls chunk(pages, next, origin, num_pages) for each chunk of the work's pages; next: the pages after it,
// as many, or the same again.
template <class Chunk>
void each_chunk(const AttentionWork& w, const Chunk& chunk) {
  for (int64_t page = w.page_begin; page < w.page_end;) {
    const int64_t chunk_end = (page / kChunkPages + 1) * kChunkPages;
    const int64_t end = chunk_end < w.page_end ? chunk_end : w.page_end;
    const std::byte* const* pages = w.pages + (page - w.page_begin);
    const std::byte* const* next = end + (end - page) <= w.page_end ? pages + (end - page) : pages;
    chunk(pages, next, page * kPagePositions, end - page);
    page = end;
  }
}

}  // namespace melete
