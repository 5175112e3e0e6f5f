#include "kernels/attention_lanes_avx512.h"

namespace melete {
namespace {

struct Lanes : Avx512AttentionLanes<Avx512Int16> {};

}  // namespace

const AttentionTable& attention_table_avx512() {
  static constexpr AttentionTable kTable = make_attention_table<Lanes>();
  return kTable;
}

}  // namespace melete
