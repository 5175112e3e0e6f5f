#include "kernels/simd_int_scalar.h"
#include "kernels/table_body.h"

namespace melete {

const KernelTable& kernel_table_scalar() {
  static constexpr KernelTable kTable = make_table<Scalar16, ScalarInt16>();
  return kTable;
}

}  // namespace melete
