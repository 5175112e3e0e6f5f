// Fills a KernelTable with the loops over one lane type.
#pragma once

#include "kernels/elementwise_body.h"
#include "kernels/gemm_body.h"
#include "kernels/kernel_table.h"
#include "kernels/norm_body.h"
#include "kernels/quant_body.h"

namespace melete {

// Q: the integer lanes that go with F.
template <class F, class Q>
constexpr KernelTable make_table() {
  return {
      .gemm_rows = F::kMaxRows,
      .gemm = gemm_block<F>,
      .quant_matmul = quant_matmul<Q>,
      .quantise = quantise_groups<Q>,
      .rms = rms_any<F>,
      .layer_norm = layer_norm_rows<F>,
      .rotate = rotate_rows<F>,
      .conv = conv_rows<F>,
      .add = add_lanes<F>,
      .gelu = gelu_lanes<F>,
      .swiglu = swiglu_lanes<F>,
      .geglu_tanh = geglu_tanh_lanes<F>,
      .sigmoid_gate = sigmoid_gate_lanes<F>,
      .scale_sigmoid = scale_sigmoid_lanes<F>,
      .softcap = softcap_lanes<F>,
      .exp = exp_all<F>,
      .erf = erf_all<F>,
      .residual_gate = residual_gate_rows<F>,
      .weighted_rows = weighted_rows_sum<F>,
      .all_finite = all_finite_lanes<F>,
      .max = max_all<F>,
      .sum_exp = sum_exp_all<F>,
      .next_above = next_above_bound<F>,
  };
}

}  // namespace melete
