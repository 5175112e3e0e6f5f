// The table of attention's loops over a lane type F (simd_*.h) with integers F::Int.
#pragma once

#include "kernels/attention_float.h"
#include "kernels/attention_int.h"

namespace melete {

template <class F>
void attend_any(const AttentionWork& w) {
  constexpr int kRows = F::kAttentionRows;
  switch (w.type) {
    case KvType::f32: return attend_with<FloatTile<F, KvType::f32>, kRows>(w);
    case KvType::bf16: return attend_with<FloatTile<F, KvType::bf16>, kRows>(w);
    case KvType::int16: return attend_with<IntTile<F, KvType::int16>, kRows>(w);
    case KvType::int8: return attend_with<IntTile<F, KvType::int8>, kRows>(w);
  }
}

// total joined by the keys of later blocks, one after the other; at most kMostFolded, so that one vector
// holds what they are worth, and another what the total is.
template <class F, KvType kType>
void fold_typed(float* total, const float* const* blocks, int64_t count, int64_t padded) {
  alignas(64) float old_worth[kMostFolded] = {}, new_worth[kMostFolded] = {};
  float top = total[padded];
  for (int64_t i = 0; i < count; ++i) {
    const float before = top, block_top = blocks[i][padded];
    top = block_top > before ? block_top : before;
    old_worth[i] = before - top;
    new_worth[i] = block_top - top;
  }
  F::store(old_worth, softmax_exp<F, kType>(F::load(old_worth)));
  F::store(new_worth, softmax_exp<F, kType>(F::load(new_worth)));
  for (int64_t i = 0; i < padded; i += 16) {
    auto sum = F::load(total + i);
    for (int64_t j = 0; j < count; ++j)
      sum = F::fma(F::set(new_worth[j]), F::load(blocks[j] + i), F::mul(F::set(old_worth[j]), sum));
    F::store(total + i, sum);
  }
  total[padded] = top;
  for (int64_t i = 0; i < count; ++i)
    total[padded + 1] = total[padded + 1] * old_worth[i] + blocks[i][padded + 1] * new_worth[i];
}

template <class F>
void fold_states(KvType type, float* total, const float* const* blocks, int64_t count, int64_t padded) {
  return is_integer(type) ? fold_typed<F, KvType::int16>(total, blocks, count, padded)
                          : fold_typed<F, KvType::f32>(total, blocks, count, padded);
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
          .scale = rounding_scale<F>,
          .round_words = round_to_words<F>,
          .round_bytes = round_to_bytes<F>,
          .rotate = rotate_channels<F>,
          .fold = fold_states<F>,
          .finish = finish_state<F>};
}

}  // namespace melete
