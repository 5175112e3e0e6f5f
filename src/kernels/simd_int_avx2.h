// Sixteen int32 lanes in two AVX2 registers; include only from *_avx2.cc. Operations: simd_int_scalar.h.
#pragma once

#include "kernels/simd_avx2.h"

namespace melete {

struct Avx2Int16 {
  using F = Avx2x16;
  struct I {
    __m256i a, b;
  };
  // The bytes with an even and with an odd index as 16-bit numbers: maddubs would saturate at 2 x 255 x 127.
  struct W {
    __m256i a_even, a_odd, b_even, b_odd;
  };
  struct A {
    __m256i even, odd;
  };
  struct P {
    __m256i a, b;
  };
  static constexpr int kMaxRows = 2;

  [[gnu::always_inline]] static void prefetch(const void* p) {
    _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1);
  }
  static I set(int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
  static W split(__m256i a, __m256i b) {
    const __m256i even = _mm256_set1_epi16(0xff);
    return {_mm256_and_si256(a, even), _mm256_srli_epi16(a, 8), _mm256_and_si256(b, even),
            _mm256_srli_epi16(b, 8)};
  }
  static W load(const void* p) {
    const auto* from = static_cast<const __m256i*>(p);
    return split(_mm256_loadu_si256(from), _mm256_loadu_si256(from + 1));
  }
  static W low(W w) {
    const __m256i nibble = _mm256_set1_epi16(15);
    return {_mm256_and_si256(w.a_even, nibble), _mm256_and_si256(w.a_odd, nibble),
            _mm256_and_si256(w.b_even, nibble), _mm256_and_si256(w.b_odd, nibble)};
  }
  static W high(W w) {
    return {_mm256_srli_epi16(w.a_even, 4), _mm256_srli_epi16(w.a_odd, 4), _mm256_srli_epi16(w.b_even, 4),
            _mm256_srli_epi16(w.b_odd, 4)};
  }
  static A quad(int32_t values) {
    const __m256i v = _mm256_set1_epi32(values);
    return {_mm256_srai_epi16(_mm256_slli_epi16(v, 8), 8), _mm256_srai_epi16(v, 8)};
  }
  static I dot(I sum, const W& w, const A& x) {
    return {_mm256_add_epi32(sum.a, _mm256_add_epi32(_mm256_madd_epi16(w.a_even, x.even),
                                                     _mm256_madd_epi16(w.a_odd, x.odd))),
            _mm256_add_epi32(sum.b, _mm256_add_epi32(_mm256_madd_epi16(w.b_even, x.even),
                                                     _mm256_madd_epi16(w.b_odd, x.odd)))};
  }
  using SignedW = W;
  using UnsignedA = A;
  static SignedW load_signed(const void* p) {
    const auto* from = static_cast<const __m256i*>(p);
    const __m256i a = _mm256_loadu_si256(from), b = _mm256_loadu_si256(from + 1);
    return {_mm256_srai_epi16(_mm256_slli_epi16(a, 8), 8), _mm256_srai_epi16(a, 8),
            _mm256_srai_epi16(_mm256_slli_epi16(b, 8), 8), _mm256_srai_epi16(b, 8)};
  }
  static UnsignedA unsigned_quad(int32_t values) {
    const __m256i v = _mm256_set1_epi32(values);
    return {_mm256_and_si256(v, _mm256_set1_epi16(0xff)), _mm256_srli_epi16(v, 8)};
  }
  static I dot_signed(I sum, const SignedW& w, const UnsignedA& x) { return dot(sum, w, x); }
  static P load_pairs(const void* p) {
    const auto* from = static_cast<const __m256i*>(p);
    return {_mm256_loadu_si256(from), _mm256_loadu_si256(from + 1)};
  }
  static P pair(int32_t words) { return {_mm256_set1_epi32(words), _mm256_set1_epi32(words)}; }
  static I dot_pairs(I sum, const P& x, const P& y) {
    return {_mm256_add_epi32(sum.a, _mm256_madd_epi16(x.a, y.a)),
            _mm256_add_epi32(sum.b, _mm256_madd_epi16(x.b, y.b))};
  }
  static void store_words(int16_t* p, F::V x) {
    const __m256i words = _mm256_packs_epi32(_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(words, 0xd8));
  }
  static void store_unsigned(uint8_t* p, F::V x) {
    const __m256i words =
        _mm256_permute4x64_epi64(_mm256_packs_epi32(_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)), 0xd8);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }
  static I raised(I x, int32_t start) {
    const __m256i s = _mm256_set1_epi32(start);
    return {_mm256_add_epi32(_mm256_slli_epi32(x.a, 7), s), _mm256_add_epi32(_mm256_slli_epi32(x.b, 7), s)};
  }
  static F::V to_float(I x) { return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }
  static F::V load_half(const void* p) {
    const auto* from = static_cast<const __m128i*>(p);
    return {_mm256_cvtph_ps(_mm_load_si128(from)), _mm256_cvtph_ps(_mm_load_si128(from + 1))};
  }
  static F::V load_bytes(const void* p) {
    const __m128i bytes = _mm_load_si128(static_cast<const __m128i*>(p));
    return to_float({_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))});
  }
  static int32_t max_abs_bits(F::V x, F::V y) {
    const F::V ax = F::abs(x), ay = F::abs(y);
    const __m256i m8 =
        _mm256_max_epi32(_mm256_max_epi32(_mm256_castps_si256(ax.a), _mm256_castps_si256(ax.b)),
                         _mm256_max_epi32(_mm256_castps_si256(ay.a), _mm256_castps_si256(ay.b)));
    const __m128i m4 = _mm_max_epi32(_mm256_castsi256_si128(m8), _mm256_extracti128_si256(m8, 1));
    const __m128i m2 = _mm_max_epi32(m4, _mm_shuffle_epi32(m4, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(m2, _mm_shuffle_epi32(m2, 0xb1)));
  }
  static F::V max_bits(F::V x, F::V y) {
    const auto most = [](__m256 a, __m256 b) {
      return _mm256_castsi256_ps(_mm256_max_epu32(_mm256_castps_si256(a), _mm256_castps_si256(b)));
    };
    return {most(x.a, y.a), most(x.b, y.b)};
  }
  static int32_t store_bytes(int8_t* p, F::V x) {
    const __m256i a = _mm256_cvtps_epi32(x.a), b = _mm256_cvtps_epi32(x.b);
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
    const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
    const __m256i s8 = _mm256_add_epi32(a, b);
    const __m128i s4 = _mm_add_epi32(_mm256_castsi256_si128(s8), _mm256_extracti128_si256(s8, 1));
    const __m128i s2 = _mm_add_epi32(s4, _mm_shuffle_epi32(s4, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s2, _mm_shuffle_epi32(s2, 0xb1)));
  }
};

}  // namespace melete
