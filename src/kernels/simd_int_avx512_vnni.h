// Dot products of bytes by AVX-512 VNNI; include only from *_avx512_vnni.cc. Operations: simd_int_scalar.h.
#pragma once

#include "kernels/simd_int_avx512.h"

namespace melete {

struct Avx512VnniInt16 : Avx512IntBase {
  using W = __m512i;
  using A = __m512i;
  static constexpr int kMaxRows = 8;

  static W load(const void* p) { return _mm512_loadu_si512(p); }
  static W low(W w) { return _mm512_and_si512(w, _mm512_set1_epi8(15)); }
  static W high(W w) { return _mm512_and_si512(_mm512_srli_epi16(w, 4), _mm512_set1_epi8(15)); }
  static A quad(int32_t values) { return _mm512_set1_epi32(values); }
  static I dot_pairs(I sum, P x, P y) { return _mm512_dpwssd_epi32(sum, x, y); }
  static I dot(I sum, W w, A a) { return _mm512_dpbusd_epi32(sum, w, a); }
  static __m512i load_signed(const void* p) { return _mm512_loadu_si512(p); }
  static __m512i unsigned_quad(int32_t values) { return _mm512_set1_epi32(values); }
  static I dot_signed(I sum, __m512i w, __m512i a) { return _mm512_dpbusd_epi32(sum, a, w); }
};

}  // namespace melete
