#include "kernels/attention_lanes_avx512.h"
#include "kernels/simd_int_avx512_vnni.h"

namespace melete {
namespace {

struct Lanes : Avx512AttentionLanes<Avx512VnniInt16> {};

}  // namespace

const AttentionTable& attention_table_avx512_vnni() {
  static constexpr AttentionTable kTable = make_attention_table<Lanes>();
  return kTable;
}

}  // namespace melete
