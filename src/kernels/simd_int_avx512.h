// Sixteen int32 lanes in one AVX-512 register; include only from *_avx512*.cc. Operations: simd_int_scalar.h.
#pragma once

#include "kernels/simd_avx512.h"

namespace melete {

// What both forms share.
struct Avx512IntBase {
  using F = Avx512x16;
  using I = __m512i;

  [[gnu::always_inline]] static void prefetch(const void* p) {
    _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0);
  }
  static I set(int32_t x) { return _mm512_set1_epi32(x); }
  static F::V to_float(I x) { return _mm512_cvtepi32_ps(x); }
  static F::V load_half(const void* p) {
    return _mm512_cvtph_ps(_mm256_load_si256(static_cast<const __m256i*>(p)));
  }
  static F::V load_bytes(const void* p) {
    return to_float(_mm512_cvtepu8_epi32(_mm_load_si128(static_cast<const __m128i*>(p))));
  }
  static int32_t max_abs_bits(F::V x, F::V y) {
    return _mm512_reduce_max_epi32(
        _mm512_max_epi32(_mm512_castps_si512(F::abs(x)), _mm512_castps_si512(F::abs(y))));
  }
  static int32_t store_bytes(int8_t* p, F::V x) {
    const __m512i i = _mm512_cvtps_epi32(x);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(i));
    return _mm512_reduce_add_epi32(i);
  }
};

// Without VNNI: as simd_int_avx2.h.
struct Avx512Int16 : Avx512IntBase {
  struct W {
    __m512i even, odd;
  };
  using A = W;
  static constexpr int kMaxRows = 8;

  static W load(const void* p) {
    const __m512i w = _mm512_load_si512(p);
    return {_mm512_and_si512(w, _mm512_set1_epi16(0xff)), _mm512_srli_epi16(w, 8)};
  }
  static W low(W w) {
    const __m512i nibble = _mm512_set1_epi16(15);
    return {_mm512_and_si512(w.even, nibble), _mm512_and_si512(w.odd, nibble)};
  }
  static W high(W w) { return {_mm512_srli_epi16(w.even, 4), _mm512_srli_epi16(w.odd, 4)}; }
  static A quad(int32_t values) {
    const __m512i v = _mm512_set1_epi32(values);
    return {_mm512_srai_epi16(_mm512_slli_epi16(v, 8), 8), _mm512_srai_epi16(v, 8)};
  }
  static I dot(I sum, const W& w, const A& x) {
    return _mm512_add_epi32(
        sum, _mm512_add_epi32(_mm512_madd_epi16(w.even, x.even), _mm512_madd_epi16(w.odd, x.odd)));
  }
};

}  // namespace melete
