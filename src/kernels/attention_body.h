// Softmax attention of a few query rows over pages of one kv head, over a lane type F.
//
// Lanes are keys for the scores and channels for the values, so no sum crosses lanes except the softmax's
// own, whose lane is the key's place in its page: a row's result doesn't depend on where its tile begins or
// ends.
#pragma once

#include "kernels/math_body.h"
#include "kernels/norm_body.h"

namespace melete {

// scores[r][16 p ..] = scale q_r . k for P pages from `page`.
template <class F, int R, int P>
void score_pages(const AttentionWork& w, const float* q, int64_t page, float* scores, int64_t stride) {
  using V = typename F::V;
  V acc[R][P];
  const float* keys[P];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) keys[p] = w.pages[page + p] + w.k_offset;
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) acc[r][p] = F::zero();
  }
  for (int64_t d = 0; d < w.head_dim; ++d) {
    V key[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) key[p] = F::load(keys[p] + 16 * d);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const V x = F::set(q[d * R + r]);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) acc[r][p] = F::fma(x, key[p], acc[r][p]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) F::store(scores + r * stride + 16 * p, F::mul(acc[r][p], F::set(w.scale)));
  }
}

// Scores -> e^(score - max) in place, zero outside [first, last]; returns one over their sum. Positions count
// from the first score's.
template <class F>
float softmax_row(float* scores, int64_t first, int64_t last, int64_t size) {
  using V = typename F::V;
  const V lowest = F::set(-__builtin_inff());
  const auto masked = [&](int64_t i) {
    const auto inside = F::without(F::first(last + 1 - i), F::first(first - i));
    return F::select(inside, F::load(scores + i), lowest);
  };
  V best = lowest;
  for (int64_t i = first / 16 * 16; i <= last; i += 16) best = F::max(masked(i), best);
  const V top = F::set(F::max(best));
  V sum = F::zero();
  for (int64_t i = 0; i < size; i += 16) {
    if (i + 16 <= first || i > last) {
      F::store(scores + i, F::zero());
      continue;
    }
    const V p = exp_lanes<F>(F::sub(masked(i), top));
    F::store(scores + i, p);
    sum = F::add(sum, p);
  }
  return 1.0f / F::sum(sum);
}

// Columns [16 c, 16 c + 16 P) of every row's output: sum over keys of p v, times inverse.
template <class F, int R, int P>
void mix_values(const AttentionWork& w, const float* scores, int64_t stride, int64_t first_page,
                int64_t num_pages, const float* inverse, int64_t column, int64_t padded) {
  using V = typename F::V;
  V acc[R][P];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) acc[r][p] = F::zero();
  }
  for (int64_t page = 0; page < num_pages; ++page) {
    const float* values = w.pages[first_page + page] + w.v_offset + column;
    for (int64_t j = 0; j < 16; ++j) {
      V value[P];
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) value[p] = F::load(values + j * padded + 16 * p);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const V x = F::set(scores[r * stride + 16 * page + j]);
#pragma GCC unroll 8
        for (int p = 0; p < P; ++p) acc[r][p] = F::fma(x, value[p], acc[r][p]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p)
      store_part<F>(w.o[r] + column + 16 * p, F::mul(acc[r][p], F::set(inverse[r])),
                    w.head_dim - column - 16 * p);
  }
}

template <class F, int R>
void attention_rows(const AttentionWork& w) {
  constexpr int P = R <= 2 ? 4 : R <= 4 ? 2 : 1;
  int64_t first = w.first_key[0], last = w.last_key[0];
  for (int r = 1; r < R; ++r) {
    first = w.first_key[r] < first ? w.first_key[r] : first;
    last = w.last_key[r] > last ? w.last_key[r] : last;
  }
  const int64_t first_page = first / 16, num_pages = last / 16 - first_page + 1, stride = num_pages * 16;
  float* q = w.scratch;
  float* scores = q + R * ((w.head_dim + 15) / 16 * 16);
  for (int64_t d = 0; d < w.head_dim; ++d) {
    for (int r = 0; r < R; ++r) q[d * R + r] = w.q[r][d];
  }
  int64_t page = 0;
  for (; page + P <= num_pages; page += P)
    score_pages<F, R, P>(w, q, first_page + page, scores + 16 * page, stride);
  for (; page < num_pages; ++page) score_pages<F, R, 1>(w, q, first_page + page, scores + 16 * page, stride);

  float inverse[R];
  const int64_t origin = first_page * 16;
  for (int r = 0; r < R; ++r)
    inverse[r] = softmax_row<F>(scores + r * stride, w.first_key[r] - origin, w.last_key[r] - origin, stride);
  const int64_t padded = (w.head_dim + 15) / 16 * 16;
  int64_t column = 0;
  for (; column + 16 * P <= padded; column += 16 * P)
    mix_values<F, R, P>(w, scores, stride, first_page, num_pages, inverse, column, padded);
  for (; column < padded; column += 16)
    mix_values<F, R, 1>(w, scores, stride, first_page, num_pages, inverse, column, padded);
}

template <class F, int R>
void attention_dispatch(const AttentionWork& w) {
  if (w.rows == R) {
    attention_rows<F, R>(w);
  } else if constexpr (R > 1) {
    attention_dispatch<F, R - 1>(w);
  }
}

template <class F>
void attention_any(const AttentionWork& w) {
  attention_dispatch<F, AttentionWork::kMaxRows>(w);
}

}  // namespace melete
