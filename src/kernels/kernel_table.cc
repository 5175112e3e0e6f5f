#include "kernels/kernel_table.h"

#include "kernels/cpu.h"

namespace melete {

const KernelTable& kernel_table() {
#if defined(__x86_64__)
  switch (active_isa()) {
    case Isa::avx512_vnni: return kernel_table_avx512_vnni();
    case Isa::avx512: return kernel_table_avx512();
    case Isa::avx2: return kernel_table_avx2();
    case Isa::scalar: break;
  }
#endif
  return kernel_table_scalar();
}

}  // namespace melete
