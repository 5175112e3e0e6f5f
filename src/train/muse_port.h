// TorchModel as the trainer takes it, with the routing biases of sparse layers kept balanced.
#pragma once

#include <filesystem>
#include <mutex>

#include "media/preprocess.h"
#include "train/model_port.h"

namespace melete {

class MusePort : public TrainableModel {
 public:
  explicit MusePort(TorchModel model);

  const std::vector<TorchParameter>& parameters() const override { return model_.parameters(); }
  BatchLoss loss(const Batch& batch) override;

  // Moves each selection bias by a fixed rate towards equal use of the experts (auxiliary-loss-free
  // balancing, 2408.15664).
  void after_step() override;

  const ModelConfig& config() const { return model_.config(); }

 private:
  TorchModel model_;
  std::mutex mutex_;  // loads_, written by every thread; sums of counts, so order is no matter
  std::vector<torch::Tensor> biases_;  // of the sparse layers, in order
  std::vector<torch::Tensor> loads_;   // of this step's batches
};

// Writes the model folder in Hugging Face layout, weights as `type` (f32 or bf16). Errors: those of
// save_checkpoint (model/checkpoint.h).
Status export_model(const std::filesystem::path& folder, const ModelConfig& config,
                    const std::vector<TorchParameter>& parameters, const std::string& tokenizer_json,
                    const MediaLimits& limits, int64_t step, DataType type);

}  // namespace melete
