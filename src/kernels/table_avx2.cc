#include "kernels/simd_int_avx2.h"
#include "kernels/table_body.h"

namespace melete {

const KernelTable& kernel_table_avx2() {
  static constexpr KernelTable kTable = make_table<Avx2x16, Avx2Int16>();
  return kTable;
}

}  // namespace melete
