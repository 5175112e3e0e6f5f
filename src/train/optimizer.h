// Muon for hidden matrices and AdamW for everything else, with clipping and a guard against gradients that
// aren't finite.
//
// Sources: AdamW 1711.05101; Muon: Jordan et al. 2024, momentum orthogonalised by five Newton-Schulz steps,
// decoupled
//   weight decay as in 2502.16982. Shapes: a matrix [out, in] is one Muon matrix; expert tensors [E, out, in]
//   are E of them, and a stacked gate-and-up tensor [E, 2I, M] is 2E of them. q, k, v and the output gate are
//   separate matrices already, so no head shares another's spectrum.
#pragma once

#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "train/model_port.h"
#include "train/optimizer_config.h"

namespace melete {

// The orthogonal factor of each matrix of x [..., out, in], approximately: singular values end near 1 (0.7
// to 1.2). `bf16` takes the products in bfloat16, whose error is far below that spread.
torch::Tensor orthogonalise(const torch::Tensor& x, bool bf16 = false);

struct StepReport {
  double gradient_norm = 0;  // before clipping; not finite if the step was skipped
  bool skipped = false;
};

class Optimizer {
 public:
  // The parameters' tensors are updated in place; `bf16`: see orthogonalise.
  Optimizer(const OptimizerConfig& config, std::vector<TorchParameter> parameters, bool bf16 = false);

  // One update with both rates times `factor`, from the parameters' gradients, which may be scaled. Skips it,
  // leaving weights and state alone, if a gradient isn't finite. The pool's size changes no bit.
  StepReport step(double factor, ThreadPool& pool);

  // Every tensor that a checkpoint must hold beside the weights, by name; shared, so a loader writes through
  // them.
  std::vector<std::pair<std::string, torch::Tensor>> state() const;
  int64_t num_updates() const { return num_updates_; }
  void set_num_updates(int64_t updates) { num_updates_ = updates; }

 private:
  struct Slot {
    TorchParameter parameter;
    bool muon = false;
    torch::Tensor first, second;  // momentum; AdamW's moments
  };

  void update_muon(Slot& slot, double rate);
  void update_adam(Slot& slot, double rate);

  OptimizerConfig config_;
  bool bf16_;
  std::vector<Slot> slots_;
  int64_t num_updates_ = 0;
};

}  // namespace melete
