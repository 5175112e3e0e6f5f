#include "tensor/torch_model.h"

#include <cmath>
#include <numeric>

#include "base/file.h"
#include "base/random.h"
#include "model/forward.h"
#include "tensor/functions.h"

namespace melete {
namespace {

using torch::Tensor;

// Small against one step of Muon or AdamW, so that a weight's start is forgotten early; what it multiplies is
// rms-normalised before or after almost everywhere, so activations don't shrink with it.
double start_deviation(const WeightSpec& spec) {
  switch (spec.role) {
    case WeightRole::embedding:
    case WeightRole::position_table:
    case WeightRole::router:
    case WeightRole::head:
    case WeightRole::matrix:
    case WeightRole::expert_matrix:
    case WeightRole::conv: return 0.02;
    default: return 0.0;
  }
}

// Each weight has its own stream, so its start values don't depend on which other weights exist.
Tensor start_values(const WeightSpec& spec, uint64_t seed, torch::TensorOptions options) {
  const double deviation = start_deviation(spec);
  const double middle = spec.role == WeightRole::norm_scale ? 1.0 : 0.0;
  const int64_t count =
      std::accumulate(spec.shape.begin(), spec.shape.end(), int64_t{1}, std::multiplies<>());
  std::vector<double> values(static_cast<size_t>(count), middle);
  if (deviation > 0) {
    Random random(seed, stable_hash(spec.name));
    for (double& value : values) value = random.normal() * deviation;
  }
  return torch::from_blob(values.data(), spec.shape, torch::kFloat64)
      .to(options.device(), torch::typeMetaToScalarType(options.dtype()), /*non_blocking=*/false,
          /*copy=*/true);
}

struct Place {
  std::vector<TorchParameter>& parameters;
  size_t next = 0;
  void operator()(const WeightSpec&, Tensor& field) { field = parameters[next++].value; }
};

}  // namespace

TorchModel::TorchModel(const ModelConfig& config, uint64_t seed, torch::TensorOptions options)
    : TorchModel(config, options) {
  MELETE_CHECK(config.problem().empty(), config.problem());
  for (WeightSpec& spec : weight_specs(config)) {
    Tensor value = start_values(spec, seed, options);
    value.set_requires_grad(spec.role != WeightRole::router_bias);
    parameters_.push_back({std::move(spec), value});
  }
  adopt();
}

void TorchModel::adopt() { visit_weights(weights_, config_, Place{parameters_}); }

Result<TorchModel> TorchModel::load(const std::filesystem::path& model_dir, torch::TensorOptions options) {
  MELETE_ASSIGN_OR_RETURN(const std::string text, read_file(model_dir / "config.json", 1 << 20));
  MELETE_ASSIGN_OR_RETURN(const ModelConfig config,
                          parse_model_config(text, (model_dir / "config.json").string()));
  MELETE_ASSIGN_OR_RETURN(const TensorFile file, TensorFile::open(model_dir));
  TorchModel model(config, options);
  for (WeightSpec& spec : weight_specs(config)) {
    const TensorView* view = file.find(spec.name);
    if (!view)
      return corrupt("[", file.name(), "] must hold tensor ", spec.name, ", got none; check the checkpoint");
    if (view->shape != spec.shape)
      return corrupt("[", file.name(), "] tensor ", spec.name, " must have shape ", to_string(spec.shape),
                     ", got ", to_string(view->shape), "; check config.json and the checkpoint");
    MELETE_ASSIGN_OR_RETURN(std::vector<float> values, file.floats(spec.name));
    Tensor value =
        torch::from_blob(values.data(), spec.shape, torch::kFloat32)
            .to(options.device(), torch::typeMetaToScalarType(options.dtype()), false, /*copy=*/true);
    value.set_requires_grad(spec.role != WeightRole::router_bias);
    model.parameters_.push_back({std::move(spec), value});
  }
  model.adopt();
  return model;
}

Tensor TorchModel::logits(const ModelInput& input) {
  TorchOps ops(input.document_lengths, options_, fused_, bf16_);
  return head_logits(ops, weights_, config_, hidden_rows(ops, weights_, config_, input));
}

LossResult TorchModel::loss(const ModelInput& input, const LossTargets& targets) {
  TorchOps ops(input.document_lengths, options_, fused_, bf16_);
  const Tensor hidden = ops.gather_rows(hidden_rows(ops, weights_, config_, input), targets.rows);
  const auto count = static_cast<int64_t>(targets.ids.size());
  const Tensor ids = torch::from_blob(const_cast<int64_t*>(targets.ids.data()), {count}, torch::kInt64)
                         .to(options_.device(), torch::kInt64, false, /*copy=*/true);
  const Tensor weights = ops.constant(targets.weights, count, 1).squeeze(1);
  const TextConfig& c = config_.text;
  LossResult result;
  if (fused_ && options_.device().is_cpu()) {
    result.loss = functions::capped_cross_entropy(hidden, weights_.head, ids, weights, c.output_multiplier,
                                                  c.logit_softcap, &result.per_row, &result.best);
  } else {
    const Tensor logits = head_logits(ops, weights_, config_, hidden);
    const Tensor per_row =
        weights * torch::nn::functional::cross_entropy(
                      logits, ids, torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kNone));
    result.loss = per_row.sum();
    result.per_row = per_row.detach();
    result.best = logits.detach().argmax(1);
  }
  result.expert_loads = ops.expert_loads();
  return result;
}

}  // namespace melete
