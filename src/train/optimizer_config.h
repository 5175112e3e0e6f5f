// Settings of the optimizers (train/optimizer.h), free of libtorch.
#pragma once

#include <cstdint>
#include <string>

#include "base/check.h"

namespace melete {

struct OptimizerConfig {
  double muon_rate = 0.02, muon_momentum = 0.95, muon_weight_decay = 0.01;
  double adam_rate = 2e-3, adam_beta1 = 0.9, adam_beta2 = 0.95, adam_eps = 1e-10, adam_weight_decay = 0;
  double clip_norm = 1.0;
  int64_t max_bad_steps = 20;

  template <class Visitor>
  void visit(Visitor&& field) {
    field("muon_rate", muon_rate, "peak learning rate of Muon (hidden matrices); 0: AdamW takes them too");
    field("muon_momentum", muon_momentum, "Nesterov momentum of Muon");
    field("muon_weight_decay", muon_weight_decay, "decoupled: a step scales the matrix by 1 - rate * this");
    field("adam_rate", adam_rate, "peak learning rate of AdamW (embeddings, head, vectors, tables)");
    field("adam_beta1", adam_beta1, "decay of AdamW's first moment");
    field("adam_beta2", adam_beta2, "decay of AdamW's second moment");
    field("adam_eps", adam_eps, "added to the root of the second moment");
    field("adam_weight_decay", adam_weight_decay, "decoupled, on embeddings and head only");
    field("clip_norm", clip_norm, "gradients are scaled down to this norm; 0: never");
    field("max_bad_steps", max_bad_steps,
          "training stops after this many steps in a row whose gradient isn't finite");
  }

  std::string problem() const {
    if (!(muon_rate >= 0)) return cat("muon_rate must be 0 or more, got ", muon_rate);
    if (!(adam_rate > 0)) return cat("adam_rate must be above 0, got ", adam_rate);
    for (const double beta : {muon_momentum, adam_beta1, adam_beta2})
      if (!(beta >= 0 && beta < 1))
        return cat("muon_momentum, adam_beta1 and adam_beta2 must be 0 to below 1, got ", beta);
    if (!(adam_eps > 0)) return cat("adam_eps must be above 0, got ", adam_eps);
    for (const double decay : {muon_weight_decay, adam_weight_decay})
      if (!(decay >= 0)) return cat("muon_weight_decay and adam_weight_decay must be 0 or more, got ", decay);
    if (!(clip_norm >= 0)) return cat("clip_norm must be 0 or more, got ", clip_norm);
    if (max_bad_steps < 1) return cat("max_bad_steps must be at least 1, got ", max_bad_steps);
    return {};
  }
};

}  // namespace melete
