#include "kernels/attention_body.h"
#include "kernels/simd_int_avx2.h"

namespace melete {
namespace {

struct Lanes : Avx2x16 {
  using Int = Avx2Int16;
  static constexpr int kAttentionRows = 4, kAttentionTile = 6;
  static V load_bf16(const uint16_t* p) {
    const auto* at = reinterpret_cast<const __m128i*>(p);
    const auto widen = [](__m128i x) {
      return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16));
    };
    return {widen(_mm_loadu_si128(at)), widen(_mm_loadu_si128(at + 1))};
  }
};

}  // namespace

const AttentionTable& attention_table_avx2() {
  static constexpr AttentionTable kTable = make_attention_table<Lanes>();
  return kTable;
}

}  // namespace melete
