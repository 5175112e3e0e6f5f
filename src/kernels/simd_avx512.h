// Sixteen float lanes in one AVX-512 register; include only from *_avx512.cc. Operations: simd_scalar.h.
#pragma once

// GCC 12 takes the deliberately undefined operands of its own intrinsics for mistakes (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <cstdint>

namespace melete {

struct Avx512x16 {
  using V = __m512;
  using M = __mmask16;
  static constexpr int kMaxRows = 12;
  static constexpr int panels(int rows) { return rows == 1 ? 1 : rows <= 6 ? 4 : rows <= 8 ? 3 : 2; }

  static M first(int64_t n) { return n >= 16 ? 0xFFFF : n <= 0 ? 0 : static_cast<M>((1u << n) - 1); }
  static V zero() { return _mm512_setzero_ps(); }
  static V set(float x) { return _mm512_set1_ps(x); }
  static V load(const float* p) { return _mm512_loadu_ps(p); }
  static V load(const uint16_t* p) {
    const __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
  }
  static V load(const float* p, int64_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static void store(float* p, V x) { _mm512_storeu_ps(p, x); }
  static void store(float* p, V x, int64_t n) { _mm512_mask_storeu_ps(p, first(n), x); }
  static V add(V x, V y) { return _mm512_add_ps(x, y); }
  static V sub(V x, V y) { return _mm512_sub_ps(x, y); }
  static V mul(V x, V y) { return _mm512_mul_ps(x, y); }
  static V div(V x, V y) { return _mm512_div_ps(x, y); }
  static V fma(V x, V y, V z) { return _mm512_fmadd_ps(x, y, z); }
  static V max(V x, V y) { return _mm512_max_ps(x, y); }
  static V min(V x, V y) { return _mm512_min_ps(x, y); }
  static V sqrt(V x) { return _mm512_sqrt_ps(x); }
  static V round(V x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static V abs(V x) { return _mm512_abs_ps(x); }
  static V copysign(V x, V s) {
    const V sign = _mm512_set1_ps(-0.0f);
    return _mm512_or_ps(_mm512_andnot_ps(sign, x), _mm512_and_ps(sign, s));
  }
  static V scale_exp2(V y, V n) { return _mm512_scalef_ps(y, n); }
  static V exp2i(V n) {
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)), 23));
  }
  static V half(V n) { return _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_cvtps_epi32(n), 1)); }
  // Lane i holds what i ^ kDistance held; kDistance: 1, 2, 4 or 8.
  template <int kDistance>
  static V swapped(V x) {
    if constexpr (kDistance < 4) return _mm512_permute_ps(x, kDistance == 1 ? 0xb1 : 0x4e);
    if constexpr (kDistance >= 4) return _mm512_shuffle_f32x4(x, x, kDistance == 4 ? 0xb1 : 0x4e);
  }
  static M less(V x, V y) { return _mm512_cmp_ps_mask(x, y, _CMP_LT_OQ); }
  static M without(M x, M y) { return x & static_cast<M>(~y); }
  static bool any(M m) { return m != 0; }
  static V select(M m, V x, V y) { return _mm512_mask_blend_ps(m, y, x); }
  static float sum(V x) {
    const __m256 s8 = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    const __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
    const __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
    return _mm_cvtss_f32(_mm_add_ss(s2, _mm_shuffle_ps(s2, s2, 1)));
  }
  static float max(V x) { return _mm512_reduce_max_ps(x); }
};

}  // namespace melete
