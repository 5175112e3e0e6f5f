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

// total joined by the keys of a later block.
template <class F, KvType kType>
void fold_typed(float* total, const float* block, int64_t padded) {
  const float top = block[padded] > total[padded] ? block[padded] : total[padded];
  alignas(64) float worth[16] = {total[padded] - top, block[padded] - top};
  F::store(worth, softmax_exp<F, kType>(F::load(worth)));
  const auto old_worth = F::set(worth[0]), new_worth = F::set(worth[1]);
  for (int64_t i = 0; i < padded; i += 16)
    F::store(total + i, F::fma(new_worth, F::load(block + i), F::mul(old_worth, F::load(total + i))));
  total[padded] = top;
  total[padded + 1] = total[padded + 1] * worth[0] + block[padded + 1] * worth[1];
}

template <class F>
void fold_state(KvType type, float* total, const float* block, int64_t padded) {
  return is_integer(type) ? fold_typed<F, KvType::int16>(total, block, padded)
                          : fold_typed<F, KvType::f32>(total, block, padded);
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
          .fold = fold_state<F>,
          .finish = finish_state<F>};
}

}  // namespace melete
