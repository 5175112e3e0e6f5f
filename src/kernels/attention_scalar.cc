#include "kernels/attention_body.h"
#include "kernels/simd_int_scalar.h"

namespace melete {
namespace {

struct Lanes : Scalar16 {
  using Int = ScalarInt16;
  static constexpr int kAttentionRows = 4, kAttentionTile = 8;
  static V load_bf16(const uint16_t* p) {
    return each([=](int i) { return std::bit_cast<float>(static_cast<uint32_t>(p[i]) << 16); });
  }
};

}  // namespace

const AttentionTable& attention_table_scalar() {
  static constexpr AttentionTable kTable = make_attention_table<Lanes>();
  return kTable;
}

}  // namespace melete
