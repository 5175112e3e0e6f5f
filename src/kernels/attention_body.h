// Softmax attention of a few query rows over pages of one kv head, over a lane type F.
//
// Lanes are keys for the scores and channels for the values, so no sum crosses lanes except the softmax's
// own, whose lane is the key's place in its page. Chunks of 64 keys begin at multiples of 64 whatever the
// tile: m' = max(m, chunk's), l' = e^(m - m') l + sum e^(s - m'), o' = e^(m - m') o + sum e^(s - m') v
// (online softmax, 1805.02867, 2205.14135). Keys that a row doesn't see weigh exactly zero.
#pragma once

#include "kernels/attention_int16.h"

namespace melete {

template <class F, KvType kType>
typename F::V load_key(const std::byte* keys, int64_t d) {
  if constexpr (kType == KvType::f32) return F::load(reinterpret_cast<const float*>(keys) + 16 * d);
  if constexpr (kType == KvType::bf16) return F::load_bf16(reinterpret_cast<const uint16_t*>(keys) + 16 * d);
  if constexpr (kType == KvType::int8) return F::load_int8(reinterpret_cast<const int8_t*>(keys) + 16 * d);
}

template <class F, KvType kType>
typename F::V load_value(const std::byte* values, int64_t i) {
  if constexpr (kType == KvType::f32) return F::load(reinterpret_cast<const float*>(values) + i);
  if constexpr (kType != KvType::f32) return F::load_bf16(reinterpret_cast<const uint16_t*>(values) + i);
}

// Bytes of one channel's keys in a page, and of one value.
template <KvType kType>
inline constexpr int64_t kKeyBytes = kType == KvType::f32    ? 64
                                     : kType == KvType::bf16 ? 32
                                                             : 16;
template <KvType kType>
inline constexpr int64_t kValueBytes = kType == KvType::f32 ? 4 : 2;

// scores[64 r + 16 p ..] = scale q_r . k for P pages from `pages`; q is [K][R]. Meanwhile the keys of the
// pages from `next` are fetched: pages lie apart, so the processor can't guess them.
template <class F, KvType kType, int R, int P>
void score_pages(const AttentionWork& w, const float* q, const std::byte* const* pages,
                 const std::byte* const* next, int64_t next_offset, float* scores) {
  using V = typename F::V;
  V acc[R][P];
  const std::byte *keys[P], *next_keys[P];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
    keys[p] = pages[p] + w.k_offset;
    next_keys[p] = next[p] + w.k_offset + next_offset;
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) acc[r][p] = F::zero();
  }
  for (int64_t d = 0; d < w.head_dim; ++d) {
    V key[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
      key[p] = load_key<F, kType>(keys[p], d);
      if (d * kKeyBytes<kType> % 64 == 0) __builtin_prefetch(next_keys[p] + d * kKeyBytes<kType>);
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const V x = F::set(q[d * R + r]);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) acc[r][p] = F::fma(x, key[p], acc[r][p]);
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
    V scale = F::set(w.scale);
    if constexpr (kType == KvType::int8)
      scale = F::mul(scale, F::load(reinterpret_cast<const float*>(pages[p] + w.scales_offset)));
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) F::store(scores + r * kChunkKeys + 16 * p, F::mul(acc[r][p], scale));
  }
}

// Columns [column, column + 16 C) of every row's o: worth[r] o + sum over the pages' keys of p v. Fetches the
// values of the pages from `next`.
template <class F, KvType kType, int R, int C>
void mix_values(const AttentionWork& w, const float* weights, const std::byte* const* pages,
                const std::byte* const* next, int64_t next_offset, int64_t num_pages, const float* worth,
                int64_t column, int64_t padded) {
  using V = typename F::V;
  V acc[R][C];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) acc[r][c] = F::mul(F::load(w.state[r] + column + 16 * c), F::set(worth[r]));
  }
  for (int64_t page = 0; page < num_pages; ++page) {
    const std::byte* values = pages[page] + w.v_offset;
    const std::byte* next_values = next[page] + next_offset + w.v_offset + column * kValueBytes<kType>;
    for (int64_t j = 0; j < 16; ++j) {
      V value[C];
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) value[c] = load_value<F, kType>(values, j * padded + column + 16 * c);
#pragma GCC unroll 8
      for (int64_t i = 0; i < 16 * C * kValueBytes<kType>; i += 64)
        __builtin_prefetch(next_values + j * padded * kValueBytes<kType> + i);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const V x = F::set(weights[r * kChunkKeys + 16 * page + j]);
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) acc[r][c] = F::fma(x, value[c], acc[r][c]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) F::store(w.state[r] + column + 16 * c, acc[r][c]);
  }
}

// One chunk: scores, weights, values. next: the pages after it, as many, or the same again.
template <class F, KvType kType, int R>
void attend_chunk(const AttentionWork& w, const float* q, const std::byte* const* pages,
                  const std::byte* const* next, int64_t next_offset, int64_t origin, int64_t num_pages,
                  float* scores) {
  constexpr int P = F::kAttentionTile / R >= 4 ? 4 : F::kAttentionTile / R >= 2 ? 2 : 1;
  const int64_t padded = (w.head_dim + 15) / 16 * 16;
  int64_t page = 0;
  for (; page + P <= num_pages; page += P)
    score_pages<F, kType, R, P>(w, q, pages + page, next + page, next_offset, scores + 16 * page);
  for (; page < num_pages; ++page)
    score_pages<F, kType, R, 1>(w, q, pages + page, next + page, next_offset, scores + 16 * page);

  alignas(64) float worth[16] = {};
  KeptWeights<F> kept;
  ChunkSoftmax<F, R>(w, scores, origin, num_pages).run(worth, kept);
  int64_t column = 0;
  for (; column + 16 * P <= padded; column += 16 * P)
    mix_values<F, kType, R, P>(w, scores, pages, next, next_offset, num_pages, worth, column, padded);
  for (; column < padded; column += 16)
    mix_values<F, kType, R, 1>(w, scores, pages, next, next_offset, num_pages, worth, column, padded);
}

template <class F, KvType kType, int R>
void attend_rows(const AttentionWork& w) {
  float* scores = w.scratch;
  float* q = scores + R * kChunkKeys;
  for (int64_t d = 0; d < w.head_dim; ++d) {
    for (int r = 0; r < R; ++r) q[d * R + r] = w.q[r][d];
  }
  each_chunk(w, [&](auto pages, auto next, int64_t next_offset, int64_t origin, int64_t num_pages) {
    attend_chunk<F, kType, R>(w, q, pages, next, next_offset, origin, num_pages, scores);
  });
}

template <class F, KvType kType, int R>
void attend_typed(const AttentionWork& w) {
  if (w.rows == R) {
    attend_rows<F, kType, R>(w);
  } else if constexpr (R > 1) {
    attend_typed<F, kType, R - 1>(w);
  }
}

template <class F>
void attend_any(const AttentionWork& w) {
  constexpr int kRows = F::kAttentionRows;
  switch (w.type) {
    case KvType::f32: return attend_typed<F, KvType::f32, kRows>(w);
    case KvType::bf16: return attend_typed<F, KvType::bf16, kRows>(w);
    case KvType::int8: return attend_typed<F, KvType::int8, kRows>(w);
    case KvType::int16: return attend_int16<F, kRows>(w);
  }
}

// total joined by the keys of a later block.
template <class F>
void fold_state(float* total, const float* block, int64_t padded) {
  const float top = block[padded] > total[padded] ? block[padded] : total[padded];
  alignas(64) float worth[16] = {total[padded] - top, block[padded] - top};
  F::store(worth, exp_lanes<F>(F::load(worth)));
  const auto old_worth = F::set(worth[0]), new_worth = F::set(worth[1]);
  for (int64_t i = 0; i < padded; i += 16)
    F::store(total + i, F::fma(new_worth, F::load(block + i), F::mul(old_worth, F::load(total + i))));
  total[padded] = top;
  total[padded + 1] = total[padded + 1] * worth[0] + block[padded + 1] * worth[1];
}

// Zeros become positive: a product with an unseen key's zero weight may have turned their sign.
template <class F>
void finish_state(const float* state, int64_t head_dim, float* o) {
  const int64_t padded = (head_dim + 15) / 16 * 16;
  const auto inverse = F::set(1.0f / state[padded + 1]);
  for (int64_t i = 0; i < head_dim; i += 16)
    store_part<F>(o + i, F::add(F::mul(F::load(state + i), inverse), F::zero()), head_dim - i);
}

template <class F>
constexpr AttentionTable make_attention_table() {
  return {.rows = F::kAttentionRows,
          .attend = attend_any<F>,
          .scale = int16_scale<F>,
          .round = round_to_int16<F>,
          .fold = fold_state<F>,
          .finish = finish_state<F>};
}

}  // namespace melete
