#include "kernels/kernel_table.h"
#include "kernels/quant_body.h"
#include "kernels/simd_int_avx512_vnni.h"

namespace melete {

const KernelTable& kernel_table_avx512_vnni() {
  static const KernelTable kTable = [] {
    KernelTable table = kernel_table_avx512();
    table.quant_matmul = quant_matmul<Avx512VnniInt16>;
    return table;
  }();
  return kTable;
}

}  // namespace melete
