// The lanes of attention in AVX-512 registers; include only from *_avx512*.cc.
#pragma once

#include "kernels/attention_body.h"
#include "kernels/simd_int_avx512.h"

namespace melete {

template <class IntLanes>
struct Avx512AttentionLanes : Avx512x16 {
  using Int = IntLanes;
  static constexpr int kAttentionRows = 8, kAttentionTile = 20;
  static V load_bf16(const uint16_t* p) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
  }
};

}  // namespace melete
