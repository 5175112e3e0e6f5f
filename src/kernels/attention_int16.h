// Softmax attention of a few query rows over pages of KvType::int16, over a lane type F with integers F::Int.
//
// Queries are rounded like keys, the weights of a chunk to parts of the chunk's greatest product of weight
// and value scale, so that scores and outputs are sums of products of 16-bit integers: exact, therefore
// without an order to keep, and two to a lane where floats have one. The softmax is that of attention_body.h.
#pragma once

#include <bit>

#include "kernels/attention_soften.h"

namespace melete {

template <class F>
float int16_scale(const float* x, int64_t n, int32_t limit) {
  int32_t bits = 0;
  for (int64_t i = 0; i < n; i += 16) {
    const auto v = load_part<F>(x + i, n - i);
    const int32_t most = F::Int::max_abs_bits(v, v);
    bits = most > bits ? most : bits;
  }
  if (bits >= 0x7f800000) return std::bit_cast<float>(0x7fc00000);
  const auto amax = std::bit_cast<float>(bits);
  return amax < 0x1p-100f ? 0.0f : amax / static_cast<float>(limit);  // 1 / scale must not overflow
}

template <class F>
void round_to_int16(const float* x, int64_t n, float scale, int16_t* words) {
  if (!(scale > 0)) {
    for (int64_t i = 0; i < n; ++i) words[i] = 0;
    return;
  }
  const auto inverse = F::set(1.0f / scale);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) F::Int::store_words(words + i, F::mul(F::load(x + i), inverse));
  if (i == n) return;
  int16_t part[16];
  F::Int::store_words(part, F::mul(F::load(x + i, n - i), inverse));
  for (int64_t j = i; j < n; ++j) words[j] = part[j - i];
}

// The pieces of one tile's scratch, for R rows: scores, weights [R][kChunkKeys], queries [K / 2 rounded
// up][R].
template <int R>
struct Int16Scratch {
  explicit Int16Scratch(float* scratch)
      : scores(scratch),
        weights(reinterpret_cast<int16_t*>(scratch + R * kChunkKeys)),
        q(reinterpret_cast<int32_t*>(scratch + R * (kChunkKeys + kChunkKeys / 2))) {}
  float* scores;
  int16_t* weights;
  int32_t* q;
  float q_scale[R];  // times the scores' own
};

// The tile's queries, which come rounded (attention_table.h), side by side.
template <class Q, int R>
void join_queries(const AttentionWork& w, Int16Scratch<R>& s) {
  const int64_t pairs = (w.head_dim + 1) / 2, padded = (w.head_dim + 15) / 16 * 16;
  for (int r = 0; r < R; ++r) s.q_scale[r] = w.q[r][padded / 2] * w.scale;
  int64_t d = 0;
  if constexpr (R == 8 && requires { Q::join_eight(w.q, d, s.q); }) {
    for (; d + 8 <= pairs; d += 8) Q::join_eight(w.q, d, s.q + d * R);
  }
  for (; d < pairs; ++d) {
    for (int r = 0; r < R; ++r) __builtin_memcpy(s.q + d * R + r, w.q[r] + d, 4);
  }
}

// scores[64 r + 16 p ..] of P pages from `pages`; the keys of the pages from `next` are fetched meanwhile,
// into the second cache level: fetches into the first are few at a time.
template <class F, int R, int P>
void score_int16(const AttentionWork& w, const Int16Scratch<R>& s, const std::byte* const* pages,
                 const std::byte* const* next, int64_t next_offset, float* scores) {
  using Q = typename F::Int;
  typename Q::I acc[R][P];
  const std::byte *keys[P], *next_keys[P];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
    keys[p] = pages[p] + w.k_offset;
    next_keys[p] = next[p] + w.k_offset + next_offset;
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) acc[r][p] = Q::set(0);
  }
  const int64_t pairs = (w.head_dim + 1) / 2;
#pragma GCC unroll 8
  for (int64_t d = 0; d < pairs; ++d) {
    typename Q::P key[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
      key[p] = Q::load_pairs(keys[p] + 64 * d);
      __builtin_prefetch(next_keys[p] + 64 * d, 0, 2);
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const typename Q::P x = Q::pair(s.q[d * R + r]);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) acc[r][p] = Q::dot_pairs(acc[r][p], key[p], x);
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
    const auto scale = F::load(reinterpret_cast<const float*>(pages[p] + w.scales_offset));
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
      F::store(scores + r * kChunkKeys + 16 * p,
               F::mul(F::mul(Q::to_float(acc[r][p]), scale), F::set(s.q_scale[r])));
  }
}

// Keeps weights times the values' scales, and the greatest product of each row.
template <class F, int R>
struct KeptProducts {
  using V = typename F::V;
  struct State {
    const std::byte* const* scales;
    int64_t offset;
    V most;
    typename F::M finite;

    V next(int64_t page, V p) {
      const V scale = F::load(reinterpret_cast<const float*>(scales[page] + offset));
      // A position that the row doesn't see may hold a scale that isn't finite.
      const V product = F::select(F::less(F::zero(), p), F::mul(p, scale), F::zero());
      finite = F::both(finite, F::less(product, F::set(__builtin_inff())));
      most = F::max(product, most);
      return product;
    }
  };
  const std::byte* const* pages;
  int64_t offset;      // of the values' scales in a page
  float greatest[16];  // of each row, NaN if a product isn't finite

  State begin() const { return {pages, offset, F::zero(), F::first(16)}; }
  void end(int r, const State& s) {
    greatest[r] = F::any(F::without(F::first(16), s.finite)) ? __builtin_nanf("") : F::max(s.most);
  }
};

// Softens the chunk's scores, times the values' scales, and rounds the products: unit[r] is what one part of
// row r's is worth.
template <class F, int R>
void soften_int16(const AttentionWork& w, Int16Scratch<R>& s, const std::byte* const* pages, int64_t origin,
                  int64_t num_pages, float (&worth)[16], float (&unit)[16]) {
  using V = typename F::V;
  KeptProducts<F, R> kept{pages, w.scales_offset + kPagePositions * 4, {}};
  ChunkSoftmax<F, R>(w, s.scores, origin, num_pages).run(worth, kept);
  alignas(64) float inverse[16];
  const V top = F::load(kept.greatest), one = F::div(top, F::set(static_cast<float>(kWeightLimit)));
  const V used = F::select(F::less(top, F::set(0x1p-100f)), F::zero(), one);  // its inverse must not overflow
  F::store(unit, used);
  F::store(inverse, F::select(F::less(F::zero(), used), F::div(F::set(1.0f), used), F::zero()));
  for (int r = 0; r < R; ++r) {
    int16_t* weights = s.weights + r * kChunkKeys;
    const V factor = F::set(inverse[r]);
    for (int64_t i = 0; i < 16 * num_pages; i += 16) {
      const V parts = inverse[r] > 0 ? F::mul(F::load(s.scores + r * kChunkKeys + i), factor) : F::zero();
      F::Int::store_words(weights + i, parts);
    }
  }
}

// Columns [column, column + 16 C) of every row's o: worth[r] o + unit[r] sum over the pages' keys of p v.
template <class F, int R, int C>
void mix_int16(const AttentionWork& w, const Int16Scratch<R>& s, const std::byte* const* pages,
               const std::byte* const* next, int64_t next_offset, int64_t num_pages, const float* worth,
               const float* unit, int64_t column, int64_t padded) {
  using Q = typename F::Int;
  typename Q::I acc[R][C];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) acc[r][c] = Q::set(0);
  }
  for (int64_t page = 0; page < num_pages; ++page) {
    const std::byte* values = pages[page] + w.v_offset + 4 * column;
    const std::byte* next_values = next[page] + next_offset + w.v_offset + 4 * column;
    const int16_t* weights = s.weights + kPagePositions * page;
#pragma GCC unroll 8
    for (int64_t j = 0; j < kPagePositions / 2; ++j) {
      typename Q::P value[C];
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) {
        value[c] = Q::load_pairs(values + 64 * c);
        __builtin_prefetch(next_values + 64 * c, 0, 2);
      }
      values += 4 * padded;
      next_values += 4 * padded;
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        int32_t both;
        __builtin_memcpy(&both, weights + r * kChunkKeys + 2 * j, 4);
        const typename Q::P x = Q::pair(both);
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) acc[r][c] = Q::dot_pairs(acc[r][c], value[c], x);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      float* o = w.state[r] + column + 16 * c;
      F::store(o, F::fma(Q::to_float(acc[r][c]), F::set(unit[r]), F::mul(F::load(o), F::set(worth[r]))));
    }
  }
}

template <class F, int R>
void attend_int16_chunk(const AttentionWork& w, Int16Scratch<R>& s, const std::byte* const* pages,
                        const std::byte* const* next, int64_t next_offset, int64_t origin,
                        int64_t num_pages) {
  constexpr int P = F::kAttentionTile / R >= 4 ? 4 : F::kAttentionTile / R >= 2 ? 2 : 1;
  const int64_t padded = (w.head_dim + 15) / 16 * 16;
  int64_t page = 0;
  for (; page + P <= num_pages; page += P)
    score_int16<F, R, P>(w, s, pages + page, next + page, next_offset, s.scores + 16 * page);
  for (; page < num_pages; ++page)
    score_int16<F, R, 1>(w, s, pages + page, next + page, next_offset, s.scores + 16 * page);

  alignas(64) float worth[16] = {}, unit[16] = {};
  soften_int16<F, R>(w, s, pages, origin, num_pages, worth, unit);
  int64_t column = 0;
  for (; column + 16 * P <= padded; column += 16 * P)
    mix_int16<F, R, P>(w, s, pages, next, next_offset, num_pages, worth, unit, column, padded);
  for (; column < padded; column += 16)
    mix_int16<F, R, 1>(w, s, pages, next, next_offset, num_pages, worth, unit, column, padded);
}

template <class F, int R>
void attend_int16(const AttentionWork& w) {
  if (w.rows == R) {
    Int16Scratch<R> s(w.scratch);
    join_queries<typename F::Int>(w, s);
    each_chunk(w, [&](auto pages, auto next, int64_t next_offset, int64_t origin, int64_t num_pages) {
      attend_int16_chunk<F, R>(w, s, pages, next, next_offset, origin, num_pages);
    });
  } else if constexpr (R > 1) {
    attend_int16<F, R - 1>(w);
  }
}

}  // namespace melete
