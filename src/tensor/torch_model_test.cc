#include "tensor/torch_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "model/logits_cases.h"

namespace melete {
namespace {

using torch::Tensor;

const std::filesystem::path kOracle = std::filesystem::path(MELETE_SOURCE_DIR) / "testdata/oracle";

// A small model with every kind of layer; head widths are multiples of 16, so the fused kernels are used.
ModelConfig small_config(bool sparse) {
  ModelConfig c;
  TextConfig& t = c.text;
  t.vocab_size = 23, t.hidden_size = 32, t.intermediate_size = 24, t.num_layers = 2, t.num_heads = 2,
  t.num_kv_heads = 1;
  t.head_dim = 16, t.max_positions = 64, t.sliding_window = 3;
  t.is_sliding = {1, 0}, t.rope_theta = {500000.0, 0.0};
  t.is_sparse = {static_cast<uint8_t>(sparse), 0};
  t.qk_scale = 1.5, t.output_multiplier = 0.7;
  t.moe_latent_size = 16, t.moe_intermediate_size = 8, t.num_experts = 4, t.num_experts_per_token = 2;
  c.has_vision = c.has_audio = true;
  VisionConfig& v = c.vision;
  v.hidden_size = 32, v.intermediate_size = 16, v.num_layers = 2, v.num_heads = 2, v.table_size = 3;
  v.is_windowed = {1, 0}, v.merged_size = 128, v.projector_size = 16;
  c.audio.hidden_sizes = {4, 6, 8, 10}, c.audio.depths = {1, 1, 1, 1}, c.audio.patch_sizes = {16, 6, 5, 4};
  c.image_token_id = 20, c.video_token_id = 21, c.audio_token_id = 22;
  return c;
}

ModelInput small_input() {
  Random random(3);
  ModelInput input;
  input.document_lengths = {9, 6};
  for (int i = 0; i < 15; ++i) input.tokens.push_back(static_cast<int32_t>(random.integer(0, 19)));
  input.grids = {{1, 4, 2}, {2, 2, 2}};
  for (int i = 0; i < 16 * 1176; ++i) input.patches.push_back(static_cast<float>(random.normal()));
  input.vision_rows = {1, 2, 10, 12};
  input.clip_samples = {3840};
  for (int i = 0; i < 3840; ++i) input.samples.push_back(static_cast<float>(random.normal() * 0.3));
  input.audio_rows = {4, 5};
  return input;
}

LossTargets small_targets() {
  return {{0, 3, 6, 7, 9, 13}, {3, 5, 7, 9, 11, 2}, {1.f, 0.5f, 1.f, 0.25f, 1.f, 2.f}};
}

void perturb(TorchModel& model) {  // away from zero norms and gates, so that no default hides a missing term
  torch::NoGradGuard guard;
  Random random(9);
  for (TorchParameter& p : model.parameters())
    if (p.value.dim() == 1)
      for (int64_t i = 0; i < p.value.numel(); ++i) p.value[i] += random.normal() * 0.3;
}

class Gradients : public testing::TestWithParam<bool> {};

// Central differences (five points) in double precision along two random directions of every weight.
TEST_P(Gradients, AgreeWithCentralDifferences) {
  TorchModel model(small_config(GetParam()), 5, torch::kFloat64);
  perturb(model);
  const ModelInput input = small_input();
  const LossTargets targets = small_targets();
  model.loss(input, targets).loss.backward();
  Random random(1);
  for (TorchParameter& p : model.parameters()) {
    if (!p.value.requires_grad()) continue;
    ASSERT_TRUE(p.value.grad().defined()) << p.spec.name;
    torch::NoGradGuard guard;
    for (int trial = 0; trial < 2; ++trial) {
      Tensor direction = torch::empty_like(p.value).contiguous();
      for (int64_t i = 0; i < direction.numel(); ++i) direction.data_ptr<double>()[i] = random.normal();
      const auto loss_at = [&](double step) {
        p.value += direction * step;
        const double loss = model.loss(input, targets).loss.item<double>();
        p.value -= direction * step;
        return loss;
      };
      const double step = 1e-5;  // five points: an error of order step^4 times the fifth derivative
      const double numeric =
          (8 * (loss_at(step) - loss_at(-step)) - (loss_at(2 * step) - loss_at(-2 * step))) / (12 * step);
      const double exact = (p.value.grad() * direction).sum().item<double>();
      EXPECT_NEAR(exact, numeric, 1e-6 * std::max(1.0, std::fabs(numeric))) << p.spec.name;
    }
  }
}

TEST_P(Gradients, FusedAndPlainOperationsAgree) {
  TorchModel model(small_config(GetParam()), 5, torch::kFloat64);
  perturb(model);
  const LossResult fused = model.loss(small_input(), small_targets());
  fused.loss.backward();
  std::vector<Tensor> grads;
  for (TorchParameter& p : model.parameters())
    if (p.value.requires_grad()) {
      grads.push_back(p.value.grad().clone());
      p.value.mutable_grad() = Tensor();
    }
  model.set_fused(false);
  const LossResult plain = model.loss(small_input(), small_targets());
  plain.loss.backward();
  EXPECT_NEAR(fused.loss.item<double>(), plain.loss.item<double>(), 1e-12);
  EXPECT_TRUE(torch::equal(fused.best, plain.best));
  EXPECT_TRUE(torch::allclose(fused.per_row, plain.per_row, 1e-10, 1e-12));
  size_t i = 0;
  for (TorchParameter& p : model.parameters())
    if (p.value.requires_grad()) {
      EXPECT_TRUE(torch::allclose(p.value.grad(), grads[i++], 1e-8, 1e-10)) << p.spec.name;
    }
}

TEST_P(Gradients, Bfloat16ProductsKeepTheirDirection) {
  TorchModel model(small_config(GetParam()), 5);
  perturb(model);
  const auto gradients = [&](bool bf16) {
    model.set_bf16(bf16);
    const LossResult result = model.loss(small_input(), small_targets());
    result.loss.backward();
    std::vector<Tensor> all;
    for (TorchParameter& p : model.parameters())
      if (p.value.requires_grad()) {
        all.push_back(p.value.grad().flatten().clone());
        p.value.mutable_grad() = Tensor();
      }
    return std::pair(result.loss.item<double>(), torch::cat(all));
  };
  const auto [loss, exact] = gradients(false);
  const auto [rounded_loss, rounded] = gradients(true);
  EXPECT_NE(loss, rounded_loss);
  EXPECT_NEAR(rounded_loss, loss, 0.02 * loss);  // 2^-8 a factor, some ten products deep
  EXPECT_GT((exact.dot(rounded) / (exact.norm() * rounded.norm())).item<double>(), 0.99);
}

INSTANTIATE_TEST_SUITE_P(DenseAndSparse, Gradients, testing::Bool());

TEST(TorchModel, LogitsDontDependOnLaterTokensOrOtherDocuments) {
  TorchModel model(small_config(true), 5);
  torch::NoGradGuard guard;
  ModelInput input = small_input();
  const Tensor before = model.logits(input);
  input.tokens[7] = (input.tokens[7] + 1) % 19;
  const Tensor after = model.logits(input);
  EXPECT_TRUE(torch::equal(before.narrow(0, 0, 7), after.narrow(0, 0, 7)));
  EXPECT_FALSE(torch::equal(before[7], after[7]));
  EXPECT_TRUE(torch::equal(before.narrow(0, 9, 6), after.narrow(0, 9, 6)));
}

class Oracle : public testing::TestWithParam<const char*> {};

// Logits within 1e-4 of transformers', and the same greedy continuation, on every case of a fixture.
TEST_P(Oracle, LogitsAndGreedyContinuation) {
  torch::NoGradGuard guard;
  auto model = TorchModel::load(kOracle / GetParam());
  ASSERT_TRUE(model.ok()) << model.error().message;
  auto cases = read_logits_cases(kOracle / GetParam() / "oracle.safetensors", model->config());
  ASSERT_TRUE(cases.ok()) << cases.error().message;
  EXPECT_GE(cases->size(), 5u);
  for (const LogitsCase& c : *cases) {
    if (!c.expected_logits.empty()) {
      const Tensor logits = model->logits(c.input).contiguous();
      const std::span<const float> values(logits.data_ptr<float>(), static_cast<size_t>(logits.numel()));
      EXPECT_LE(largest_difference(values, c.expected_logits), 1e-4) << c.name;
    }
    ModelInput input = c.input;
    for (int64_t i = 0; i < c.num_new_tokens(); ++i) {
      const auto next = static_cast<int32_t>(model->logits(input)[-1].argmax().item<int64_t>());
      input.tokens.push_back(next);
      ++input.document_lengths[0];
    }
    if (c.num_new_tokens() > 0) {
      EXPECT_EQ(input.tokens, c.expected_ids) << c.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Oracle, testing::Values("dense", "sparse", "glimmer"));

}  // namespace
}  // namespace melete
