// Sixteen int32 lanes in one AVX-512 register; include only from *_avx512*.cc. Operations: simd_int_scalar.h.
#pragma once

#include "kernels/simd_avx512.h"

namespace melete {

// What both forms share.
struct Avx512IntBase {
  using F = Avx512x16;
  using I = __m512i;
  using P = __m512i;

  [[gnu::always_inline]] static void prefetch(const void* p) {
    _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1);
  }
  static I set(int32_t x) { return _mm512_set1_epi32(x); }
  static P load_pairs(const void* p) { return _mm512_loadu_si512(p); }
  static P pair(int32_t words) { return _mm512_set1_epi32(words); }
  static I dot_pairs(I sum, P x, P y) { return _mm512_add_epi32(sum, _mm512_madd_epi16(x, y)); }
  static void store_words(int16_t* p, F::V x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(x)));
  }
  static void store_unsigned(uint8_t* p, F::V x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(x)));
  }
  static I raised(I x, int32_t start) {
    return _mm512_add_epi32(_mm512_slli_epi32(x, 7), _mm512_set1_epi32(start));
  }
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
  static F::V max_bits(F::V x, F::V y) {
    return _mm512_castsi512_ps(_mm512_max_epu32(_mm512_castps_si512(x), _mm512_castps_si512(y)));
  }
  static int32_t store_bytes(int8_t* p, F::V x) {
    const __m512i i = _mm512_cvtps_epi32(x);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(i));
    return _mm512_reduce_add_epi32(i);
  }

  // Words [at, at + 8) of each of eight rows -> [8 words][8 rows].
  static void join_eight(const float* const* rows, int64_t at, int32_t* joined) {
    __m256i word[8];
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) word[r] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows[r] + at));
    transpose(word);
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) store(joined + 8 * i, word[i]);
  }

  // to[r]: the greatest of row r.
  static void max_of_eight(const float (*rows)[16], float* to) {
    __m256i h[8];
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) {
      const __m512 x = _mm512_loadu_ps(rows[r]);
      h[r] = _mm256_castps_si256(_mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1)));
    }
    const auto most = [](__m256i x, __m256i y) {
      return _mm256_castps_si256(_mm256_max_ps(_mm256_castsi256_ps(x), _mm256_castsi256_ps(y)));
    };
    _mm256_storeu_ps(to, _mm256_castsi256_ps(reduce_eight(h, most)));
  }

  // One group of 32 values of each of eight rows, `cols` apart, into a record of eight rows: what
  // quantise_group does for one.
  static void quantise_eight(const float* x, int64_t cols, int32_t* record) {
    const __m256i bits = max_abs_bits_of_eight(x, cols);
    const __m256 amax = _mm256_castsi256_ps(bits), most = _mm256_set1_ps(127.0f);
    const __mmask8 finite = _mm256_cmplt_epi32_mask(bits, _mm256_set1_epi32(0x7f800000));
    const __mmask8 rounded = finite & _mm256_cmp_ps_mask(amax, _mm256_set1_ps(0x1p-118f), _CMP_GE_OQ);
    const __m256 scale = _mm256_mask_blend_ps(finite, _mm256_castsi256_ps(_mm256_set1_epi32(0x7fc00000)),
                                              _mm256_maskz_div_ps(rounded, amax, most));
    alignas(32) float inverse[8];
    _mm256_store_ps(inverse, _mm256_maskz_div_ps(rounded, most, amax));
    __m256i row[8];
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) {
      const __m512 factor = _mm512_set1_ps(inverse[r]);
      // An infinity times zero becomes a byte of zero.
      const __m512i first = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + r * cols), factor));
      const __m512i second = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + r * cols + 16), factor));
      row[r] = _mm256_set_m128i(_mm512_cvtepi32_epi8(second), _mm512_cvtepi32_epi8(first));
    }
    transpose(row);
    __m256i pairs = _mm256_setzero_si256();
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      store(record + 8 * i, row[i]);
      pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(_mm256_set1_epi8(1), row[i]));
    }
    const __m256i sum = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
    const __m256i less = _mm256_sub_epi32(_mm256_setzero_si256(), sum);
    store(record + 64, _mm256_slli_epi32(less, 7));
    store(record + 72, _mm256_slli_epi32(less, 3));
    store(record + 80, _mm256_castps_si256(scale));
    store(record + 88, _mm256_castps_si256(_mm256_mul_ps(scale, _mm256_cvtepi32_ps(sum))));
  }

 private:
  static void store(int32_t* p, __m256i x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x); }

  static __m256i max_abs_bits_of_eight(const float* x, int64_t cols) {
    const auto most = [](__m256i a, __m256i b) { return _mm256_max_epi32(a, b); };
    __m256i h[8];
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) {
      const __m512i m =
          _mm512_max_epi32(_mm512_castps_si512(_mm512_abs_ps(_mm512_loadu_ps(x + r * cols))),
                           _mm512_castps_si512(_mm512_abs_ps(_mm512_loadu_ps(x + r * cols + 16))));
      h[r] = most(_mm512_castsi512_si256(m), _mm512_extracti64x4_epi64(m, 1));
    }
    return reduce_eight(h, most);
  }

  // Lane r: what `most` makes of h[r]'s lanes.
  template <class Most>
  static __m256i reduce_eight(__m256i (&h)[8], const Most& most) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i)
      h[i] =
          most(_mm256_unpacklo_epi32(h[2 * i], h[2 * i + 1]), _mm256_unpackhi_epi32(h[2 * i], h[2 * i + 1]));
    const __m256i low = most(_mm256_unpacklo_epi64(h[0], h[1]), _mm256_unpackhi_epi64(h[0], h[1]));
    const __m256i high = most(_mm256_unpacklo_epi64(h[2], h[3]), _mm256_unpackhi_epi64(h[2], h[3]));
    return most(_mm256_permute2x128_si256(low, high, 0x20), _mm256_permute2x128_si256(low, high, 0x31));
  }

  static void transpose(__m256i (&x)[8]) {
    __m256i t[8], u[8];
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
      t[i] = _mm256_unpacklo_epi32(x[i], x[i + 1]);
      t[i + 1] = _mm256_unpackhi_epi32(x[i], x[i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
      u[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
      u[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
      u[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
      u[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      x[i] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
      x[i + 4] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
    }
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
    const __m512i w = _mm512_loadu_si512(p);
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
  using SignedW = W;
  using UnsignedA = A;
  static SignedW load_signed(const void* p) {
    const __m512i w = _mm512_loadu_si512(p);
    return {_mm512_srai_epi16(_mm512_slli_epi16(w, 8), 8), _mm512_srai_epi16(w, 8)};
  }
  static UnsignedA unsigned_quad(int32_t values) {
    const __m512i v = _mm512_set1_epi32(values);
    return {_mm512_and_si512(v, _mm512_set1_epi16(0xff)), _mm512_srli_epi16(v, 8)};
  }
  static I dot_signed(I sum, const SignedW& w, const UnsignedA& x) { return dot(sum, w, x); }
};

}  // namespace melete
