#include "train/optimizer.h"

#include <cmath>

namespace melete {
namespace {

bool is_matrix(WeightRole role) { return role == WeightRole::matrix || role == WeightRole::expert_matrix; }

// [.., out, in] with a stacked gate and up split into two matrices.
torch::Tensor as_matrices(const TorchParameter& parameter, const torch::Tensor& value) {
  const bool stacked = parameter.spec.role == WeightRole::expert_matrix &&
                       parameter.spec.name.find("gate_up") != std::string::npos;
  if (!stacked) return value;
  return value.view({value.size(0) * 2, value.size(1) / 2, value.size(2)});
}

}  // namespace

torch::Tensor orthogonalise(const torch::Tensor& x, bool bf16) {
  // The quintic's coefficients push every singular value of (0, 1] towards 1 fast, at the price of a spread
  // around it.
  constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;
  constexpr int kSteps = 5;
  const bool tall = x.size(-2) > x.size(-1);
  torch::Tensor y = tall ? x.transpose(-2, -1) : x;
  y = y / (y.pow(2).sum({-2, -1}, /*keepdim=*/true).sqrt() + 1e-7);
  if (bf16) y = y.to(torch::kBFloat16);
  for (int i = 0; i < kSteps; ++i) {
    const torch::Tensor gram = y.matmul(y.transpose(-2, -1));
    const torch::Tensor polynomial = kB * gram + kC * gram.matmul(gram);
    y = kA * y + polynomial.matmul(y);
  }
  y = y.to(x.scalar_type());
  return tall ? y.transpose(-2, -1) : y;
}

Optimizer::Optimizer(const OptimizerConfig& config, std::vector<TorchParameter> parameters, bool bf16)
    : config_(config), bf16_(bf16) {
  for (TorchParameter& parameter : parameters) {
    if (parameter.spec.role == WeightRole::router_bias) continue;
    Slot slot;
    slot.muon = config_.muon_rate > 0 && is_matrix(parameter.spec.role);
    slot.first = torch::zeros_like(parameter.value);
    if (!slot.muon) slot.second = torch::zeros_like(parameter.value);
    slot.parameter = std::move(parameter);
    slots_.push_back(std::move(slot));
  }
}

StepReport Optimizer::step(double factor, ThreadPool& pool) {
  const torch::NoGradGuard no_grad;
  double square = 0;
  for (const Slot& slot : slots_)
    if (const torch::Tensor& gradient = slot.parameter.value.grad(); gradient.defined())
      square += gradient.pow(2).sum(torch::kFloat64).item<double>();
  StepReport report{std::sqrt(square), !std::isfinite(square)};
  if (report.skipped) return report;
  const bool clips = config_.clip_norm > 0 && report.gradient_norm > config_.clip_norm;
  ++num_updates_;
  pool.run(static_cast<int64_t>(slots_.size()), [&](int64_t i) {
    const torch::NoGradGuard no_grad_here;  // a thread's own
    torch::set_num_threads(1);
    Slot& slot = slots_[static_cast<size_t>(i)];
    // A weight that no document of this step used (a tower) has no gradient and keeps its state.
    if (!slot.parameter.value.grad().defined()) return;
    if (clips) slot.parameter.value.mutable_grad().mul_(config_.clip_norm / report.gradient_norm);
    if (slot.muon) {
      update_muon(slot, config_.muon_rate * factor);
    } else {
      update_adam(slot, config_.adam_rate * factor);
    }
  });
  return report;
}

void Optimizer::update_muon(Slot& slot, double rate) {
  const torch::Tensor& gradient = slot.parameter.value.grad();
  slot.first.lerp_(gradient, 1 - config_.muon_momentum);
  const torch::Tensor ahead = torch::lerp(gradient, slot.first, config_.muon_momentum);
  const torch::Tensor matrices = as_matrices(slot.parameter, ahead);
  const double aspect = static_cast<double>(matrices.size(-2)) / static_cast<double>(matrices.size(-1));
  const torch::Tensor update = orthogonalise(matrices, bf16_).reshape(ahead.sizes());
  slot.parameter.value.mul_(1 - rate * config_.muon_weight_decay);
  slot.parameter.value.add_(update, -rate * std::sqrt(std::max(1.0, aspect)));
}

void Optimizer::update_adam(Slot& slot, double rate) {
  const torch::Tensor& gradient = slot.parameter.value.grad();
  slot.first.lerp_(gradient, 1 - config_.adam_beta1);
  slot.second.mul_(config_.adam_beta2).addcmul_(gradient, gradient, 1 - config_.adam_beta2);
  const auto updates = static_cast<double>(num_updates_);
  const double first_bias = 1 - std::pow(config_.adam_beta1, updates),
               second_bias = 1 - std::pow(config_.adam_beta2, updates);
  const bool decays =
      slot.parameter.spec.role == WeightRole::embedding || slot.parameter.spec.role == WeightRole::head;
  if (decays) slot.parameter.value.mul_(1 - rate * config_.adam_weight_decay);
  const torch::Tensor denominator = (slot.second / second_bias).sqrt_().add_(config_.adam_eps);
  slot.parameter.value.addcdiv_(slot.first, denominator, -rate / first_bias);
}

std::vector<std::pair<std::string, torch::Tensor>> Optimizer::state() const {
  std::vector<std::pair<std::string, torch::Tensor>> tensors;
  for (const Slot& slot : slots_) {
    tensors.emplace_back(slot.parameter.spec.name + "#first", slot.first);
    if (slot.second.defined()) tensors.emplace_back(slot.parameter.spec.name + "#second", slot.second);
  }
  return tensors;
}

}  // namespace melete
