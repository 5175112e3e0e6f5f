#include "kernels/simd_avx512.h"

#include "kernels/attention_body.h"

namespace melete {
namespace {

struct Lanes : Avx512x16 {
  static constexpr int kAttentionRows = 8, kAttentionTile = 20;
  static V load_bf16(const uint16_t* p) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
  }
  static V load_int8(const int8_t* p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
};

}  // namespace

const AttentionTable& attention_table_avx512() {
  static constexpr AttentionTable kTable = make_attention_table<Lanes>();
  return kTable;
}

}  // namespace melete
