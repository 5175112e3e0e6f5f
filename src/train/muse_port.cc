#include "train/muse_port.h"

#include "model/checkpoint.h"
#include "text/chat_template.h"

namespace melete {

namespace {
constexpr double kBalanceRate = 1e-3;
}  // namespace

MusePort::MusePort(TorchModel model) : model_(std::move(model)) {
  for (const TorchParameter& parameter : model_.parameters())
    if (parameter.spec.role == WeightRole::router_bias) biases_.push_back(parameter.value);
}

BatchLoss MusePort::loss(const Batch& batch) {
  const LossTargets targets{batch.rows_R, batch.targets_R, batch.weights_R};
  LossResult result = model_.loss(batch.input, targets);
  const torch::Tensor per_row = result.per_row.to(torch::kCPU, torch::kFloat64).contiguous();
  const torch::Tensor best = result.best.to(torch::kCPU).contiguous();
  BatchLoss out{result.loss, {}, {}};
  for (size_t r = 0; r < batch.rows_R.size(); ++r) {
    const double weight = batch.weights_R[r];
    out.nll_R.push_back(weight > 0 ? per_row.data_ptr<double>()[r] / weight : 0);
    out.hit_R.push_back(best.data_ptr<int64_t>()[r] == batch.targets_R[r]);
  }
  if (torch::GradMode::is_enabled()) {
    const std::lock_guard lock(mutex_);
    loads_.resize(result.expert_loads.size());
    for (size_t i = 0; i < loads_.size(); ++i)
      loads_[i] = loads_[i].defined() ? loads_[i] + result.expert_loads[i] : result.expert_loads[i];
  }
  return out;
}

void MusePort::after_step() {
  MELETE_CHECK(loads_.empty() || loads_.size() == biases_.size(), loads_.size(), " loads");
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < loads_.size(); ++i) {
    const torch::Tensor load = loads_[i].to(biases_[i].options());
    biases_[i].add_((load.mean() - load).sign(), kBalanceRate);
  }
  loads_.clear();
}

Status export_model(const std::filesystem::path& folder, const ModelConfig& config,
                    const std::vector<TorchParameter>& parameters, const std::string& tokenizer_json,
                    const MediaLimits& limits, int64_t step, DataType type) {
  std::vector<torch::Tensor> values;
  std::vector<WeightValues> weights;
  for (const TorchParameter& parameter : parameters) {
    values.push_back(parameter.value.detach().to(torch::kCPU, torch::kFloat32).contiguous());
    weights.push_back(
        {parameter.spec, {values.back().data_ptr<float>(), static_cast<size_t>(values.back().numel())}});
  }
  SaveOptions options;
  options.limits = {limits.max_image_tokens, limits.max_video_frame_tokens, limits.max_video_frames,
                    limits.video_fps};
  options.type = type;
  options.metadata = {{"training_step", std::to_string(step)}};
  return save_checkpoint(folder, config, weights,
                         {tokenizer_json, tokenizer_config_json(), std::string(chat_template())}, options);
}

}  // namespace melete
