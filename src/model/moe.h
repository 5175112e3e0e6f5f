// Latent mixture of experts (muse_spark, "Text decoder", step 6): a router over experts that run at a smaller
// width.
//
// Sources: sigmoid scores with a selection bias that only chooses 2408.15664 (loss-free balancing); latent
// experts:
//   muse_spark. Shapes: N rows, D width, M latent width, I expert width, E experts.
#pragma once

#include "model/ops.h"
#include "model/weights.h"

namespace melete {

// m_ND -> [N, D]. Scores and selection stay float32. ops.experts does, for each row n:
//   chosen = top-k of score + selection_bias; r = score[chosen] / (sum + 1e-15) * routed_scaling_factor;
//   sum over chosen e of r_e * input_scaled_rms(down_e swiglu(gate_up_e z), norm).
template <class Ops>
typename Ops::Tensor latent_moe(Ops& ops, const MoeWeights<Ops>& w, const TextConfig& c,
                                typename Ops::Tensor m_ND) {
  auto score_NE = ops.scale_sigmoid(ops.linear(m_ND, w.router), c.output_multiplier);
  auto z_NM = ops.centered_rms(ops.linear(m_ND, w.latent_in), w.latent_norm, c.rms_eps);
  const MoeKind kind{c.num_experts_per_token, c.routed_scaling_factor, c.post_norm_eps};
  return ops.linear(ops.experts(z_NM, score_NE, w.selection_bias, w.experts, kind), w.latent_out);
}

}  // namespace melete
