#include "kernels/simd_int_avx512.h"
#include "kernels/table_body.h"

namespace melete {

const KernelTable& kernel_table_avx512() {
  static constexpr KernelTable kTable = make_table<Avx512x16, Avx512Int16>();
  return kTable;
}

}  // namespace melete
