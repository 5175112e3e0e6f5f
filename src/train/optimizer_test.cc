#include "train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace melete {
namespace {

using torch::Tensor;

TorchParameter parameter_of(const std::string& name, WeightRole role, const Tensor& value) {
  return {{name, value.sizes().vec(), role}, value.clone().set_requires_grad(true)};
}

ThreadPool pool(2);

void set_gradient(TorchParameter& parameter, const Tensor& gradient) {
  parameter.value.mutable_grad() = gradient.clone();
}

TEST(Muon, OrthogonalisesEveryMatrixOfABatch) {
  torch::manual_seed(3);
  for (const std::vector<int64_t>& shape :
       std::vector<std::vector<int64_t>>{{3, 16, 40}, {2, 40, 16}, {24, 24}}) {
    const Tensor x = torch::randn(shape) * 7;
    for (const bool bf16 : {false, true}) {
      const Tensor singular = torch::linalg_svdvals(orthogonalise(x, bf16));
      EXPECT_GT(singular.min().item<double>(), 0.3) << shape.size() << " bf16=" << bf16;
      EXPECT_LT(singular.max().item<double>(), 1.3);
    }
  }
}

TEST(Muon, StackedGateAndUpAreSeparateMatrices) {
  OptimizerConfig config;
  config.clip_norm = 0;
  config.muon_weight_decay = 0;
  torch::manual_seed(3);
  const Tensor start = torch::randn({2, 12, 5}), gradient = torch::randn({2, 12, 5});
  TorchParameter stacked = parameter_of("mlp.experts.gate_up_proj", WeightRole::expert_matrix, start);
  TorchParameter apart = parameter_of("m", WeightRole::expert_matrix, start.view({4, 6, 5}));
  Optimizer a(config, {stacked}), b(config, {apart});
  set_gradient(stacked, gradient);
  set_gradient(apart, gradient.view({4, 6, 5}));
  a.step(1, pool);
  b.step(1, pool);
  EXPECT_TRUE(torch::equal(stacked.value.detach().view({4, 6, 5}), apart.value.detach()));
}

TEST(AdamW, FollowsThePublishedUpdate) {
  OptimizerConfig config;
  config.clip_norm = 0;
  config.adam_rate = 0.1;
  config.adam_weight_decay = 0.5;
  TorchParameter head = parameter_of("h", WeightRole::head, torch::full({1, 1}, 2.0));
  Optimizer optimizer(config, {head});
  double weight = 2, first = 0, second = 0;
  for (int t = 1; t <= 3; ++t) {
    const double gradient = 0.3 * t;
    set_gradient(head, torch::full({1, 1}, gradient));
    optimizer.step(0.5, pool);
    first = 0.9 * first + 0.1 * gradient;
    second = 0.95 * second + 0.05 * gradient * gradient;
    weight *= 1 - 0.05 * 0.5;
    weight -= 0.05 * (first / (1 - std::pow(0.9, t))) / (std::sqrt(second / (1 - std::pow(0.95, t))) + 1e-10);
    EXPECT_NEAR(head.value.item<double>(), weight, 1e-6);
  }
}

TEST(Optimizer, ClipsByTheGlobalNorm) {
  OptimizerConfig config;
  config.clip_norm = 1;
  TorchParameter a = parameter_of("a", WeightRole::bias, torch::zeros({3})),
                 b = parameter_of("b", WeightRole::bias, torch::zeros({1}));
  Optimizer optimizer(config, {a, b});
  set_gradient(a, torch::full({3}, 2.0));
  set_gradient(b, torch::full({1}, 2.0));
  EXPECT_NEAR(optimizer.step(1, pool).gradient_norm, 4, 1e-9);
  EXPECT_NEAR(a.value.grad()[0].item<double>(), 0.5, 1e-6);
}

TEST(Optimizer, SkipsGradientsThatAreNotFiniteAndLeavesEverythingAlone) {
  OptimizerConfig config;
  TorchParameter a = parameter_of("a", WeightRole::matrix, torch::eye(4)),
                 b = parameter_of("b", WeightRole::bias, torch::zeros({2}));
  Optimizer optimizer(config, {a, b});
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    set_gradient(a, torch::ones({4, 4}));
    set_gradient(b, torch::full({2}, bad));
    EXPECT_TRUE(optimizer.step(1, pool).skipped);
    EXPECT_TRUE(torch::equal(a.value.detach(), torch::eye(4)));
    EXPECT_EQ(optimizer.num_updates(), 0);
    for (const auto& [name, tensor] : optimizer.state())
      EXPECT_EQ(tensor.abs().sum().item<double>(), 0) << name;
  }
}

TEST(Optimizer, WeightsWithoutAGradientKeepTheirState) {
  TorchParameter used = parameter_of("used", WeightRole::matrix, torch::eye(4)),
                 idle = parameter_of("idle", WeightRole::matrix, torch::eye(4));
  Optimizer optimizer(OptimizerConfig{}, {used, idle});
  set_gradient(used, torch::ones({4, 4}));
  optimizer.step(1, pool);
  EXPECT_FALSE(torch::equal(used.value.detach(), torch::eye(4)));
  EXPECT_TRUE(torch::equal(idle.value.detach(), torch::eye(4)));
}

}  // namespace
}  // namespace melete
