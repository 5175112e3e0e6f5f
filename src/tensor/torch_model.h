// A model's weights as libtorch tensors, and its forward and loss for training.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/config.h"
#include "model/input.h"
#include "model/safetensors.h"
#include "model/weights.h"
#include "tensor/torch_ops.h"

namespace melete {

struct TorchParameter {
  WeightSpec spec;
  torch::Tensor value;  // leaf; requires_grad unless role is router_bias
};

// Which rows are to be predicted, and how much each counts.
struct LossTargets {
  std::vector<int64_t> rows;   // [R] positions whose next token counts
  std::vector<int64_t> ids;    // [R] that token
  std::vector<float> weights;  // [R] of each row in the sum
};

struct LossResult {
  torch::Tensor loss;                       // scalar: sum of weights * cross-entropy, differentiable
  torch::Tensor per_row;                    // [R] weighted cross-entropies, detached
  torch::Tensor best;                       // [R] argmax ids, int64
  std::vector<torch::Tensor> expert_loads;  // per sparse layer, [E]
};

class TorchModel {
 public:
  // Fresh weights, a pure function of (config, seed): matrices and tables normal with deviation 0.02, norms
  // neutral, residual gates and biases 0. CHECKs that config.problem() is empty.
  TorchModel(const ModelConfig& config, uint64_t seed, torch::TensorOptions options = torch::kFloat32);

  // Weights from a Hugging Face folder. Errors as parse_model_config and TensorFile; a missing or misshapen
  // tensor is named.
  static Result<TorchModel> load(const std::filesystem::path& model_dir,
                                 torch::TensorOptions options = torch::kFloat32);

  const ModelConfig& config() const { return config_; }
  std::vector<TorchParameter>& parameters() { return parameters_; }
  const std::vector<TorchParameter>& parameters() const { return parameters_; }

  // Capped logits [N, V] after every position.
  torch::Tensor logits(const ModelInput& input);
  LossResult loss(const ModelInput& input, const LossTargets& targets);

  // False: the plain ATen operations, the reference of the fused ones.
  void set_fused(bool fused) { fused_ = fused; }
  // True: matrix products of the forward and backward in bfloat16; weights, sums, norms and the loss stay
  // float32.
  void set_bf16(bool bf16) { bf16_ = bf16; }

 private:
  TorchModel(const ModelConfig& config, torch::TensorOptions options) : config_(config), options_(options) {}
  void adopt();  // points weights_ at the parameters

  ModelConfig config_;
  torch::TensorOptions options_;
  bool fused_ = true, bf16_ = false;
  std::vector<TorchParameter> parameters_;
  ModelWeights<TorchOps> weights_;
};

}  // namespace melete
