// What the trainer needs of a model: its parameters by name, and the loss of a batch.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "tensor/torch_model.h"  // TorchParameter
#include "train/batch.h"

namespace melete {

struct BatchLoss {
  torch::Tensor loss;          // scalar: sum of weights_R * cross-entropy, differentiable
  std::vector<double> nll_R;   // cross-entropy of each target in nats; 0 where its weight is 0
  std::vector<uint8_t> hit_R;  // 1: the target has the largest logit
};

class TrainableModel {
 public:
  virtual ~TrainableModel() = default;

  // In a fixed order; the tensors are shared, so optimizers and loaders write through them.
  virtual const std::vector<TorchParameter>& parameters() const = 0;

  // Safe to call from several threads at once.
  virtual BatchLoss loss(const Batch& batch) = 0;

  // After each optimizer step: what isn't learned by gradient (routing biases).
  virtual void after_step() {}
};

}  // namespace melete
