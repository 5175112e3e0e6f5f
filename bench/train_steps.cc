// One training step of the nano model on a mixed batch (pictures, clips, text), timed: our half of `bench
// train`.
//
// usage: bench_train_steps DIR [THREADS]. As many micro-batches as threads. Writes DIR/model (Hugging Face
// layout) and DIR/batch.safetensors, prints "ready TOKENS", then for each line of input does one step
// (forward, backward, AdamW on all weights) and prints "LOSS SECONDS". The peer (bench/peers/train_torch.py)
// does the same steps on the same files.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "base/random.h"
#include "model/safetensors.h"
#include "tensor/torch_model.h"
#include "train/config.h"
#include "train/gradients.h"
#include "train/muse_port.h"
#include "train/optimizer.h"

namespace melete {
namespace {

constexpr int64_t kDocuments = 16, kLength = 256, kPatchSide = 12, kClipSamples = 1920 * 25;
constexpr int64_t kTargets = 40;  // the last positions of each document

// Each document: a picture of 36 tokens, a clip of 25, then text; targets at its end. Documents [first, last)
// of the step.
Batch mixed_batch(const ModelConfig& config, int64_t first, int64_t last) {
  Batch batch;
  for (int64_t d = 0; d < last - first; ++d) {
    Random random(7, static_cast<uint64_t>(first + d));
    const int64_t begin = d * kLength, cells = kPatchSide * kPatchSide / 4, steps = kClipSamples / 1920;
    for (int64_t i = 0; i < kLength; ++i)
      batch.input.tokens.push_back(static_cast<int32_t>(random.integer(200, 4000)));
    batch.input.document_lengths.push_back(kLength);
    for (int64_t i = 0; i < cells; ++i) batch.input.vision_rows.push_back(begin + 4 + i);
    for (int64_t i = 0; i < steps; ++i) batch.input.audio_rows.push_back(begin + 8 + cells + i);
    for (const int64_t row : batch.input.vision_rows)
      batch.input.tokens[static_cast<size_t>(row)] = static_cast<int32_t>(config.image_token_id);
    for (const int64_t row : batch.input.audio_rows)
      batch.input.tokens[static_cast<size_t>(row)] = static_cast<int32_t>(config.audio_token_id);
    batch.input.grids.push_back({1, kPatchSide, kPatchSide});
    batch.input.clip_samples.push_back(kClipSamples);
    for (int64_t i = kLength - kTargets; i < kLength; ++i) {
      batch.rows_R.push_back(begin + i - 1);
      batch.targets_R.push_back(batch.input.tokens[static_cast<size_t>(begin + i)]);
      batch.weights_R.push_back(1.0f / static_cast<float>(kDocuments * kTargets));
    }
    for (int64_t i = 0; i < kPatchSide * kPatchSide * 1176; ++i)
      batch.input.patches.push_back(static_cast<float>(random.uniform(-1, 1)));
    for (int64_t i = 0; i < kClipSamples; ++i)
      batch.input.samples.push_back(static_cast<float>(random.normal() * 0.2));
  }
  return batch;
}

Status write_batch(const std::string& path, const Batch& batch) {
  std::vector<int64_t> ids(batch.input.tokens.begin(), batch.input.tokens.end());
  const std::vector<TensorSource> tensors = {
      {"input_ids", DataType::i64, {kDocuments, kLength}, std::span<const int64_t>(ids)},
      {"rows",
       DataType::i64,
       {static_cast<int64_t>(batch.rows_R.size())},
       std::span<const int64_t>(batch.rows_R)},
      {"targets",
       DataType::i64,
       {static_cast<int64_t>(batch.targets_R.size())},
       std::span<const int64_t>(batch.targets_R)},
      {"pixel_values",
       DataType::f32,
       {kDocuments * kPatchSide * kPatchSide, 1176},
       std::span<const float>(batch.input.patches)},
      {"input_values",
       DataType::f32,
       {kDocuments, kClipSamples},
       std::span<const float>(batch.input.samples)}};
  return write_safetensors(path, tensors);
}

int run(const std::string& folder, int threads) {
  torch::set_num_threads(1);
  ThreadPool pool(threads);
  ModelConfig config = to_model_config(ModelShape{});
  config.text.bos_token_id = 1;
  config.text.eos_token_ids = {2};
  config.image_token_id = 3;
  config.video_token_id = 4;
  config.audio_token_id = 5;
  MusePort model{TorchModel(config, 1)};
  const Batch batch = mixed_batch(config, 0, kDocuments);
  std::vector<Batch> parts;
  for (int t = 0; t < threads; ++t)
    parts.push_back(mixed_batch(config, t * kDocuments / threads, (t + 1) * kDocuments / threads));
  const Status written = write_batch(folder + "/batch.safetensors", batch);
  const Status exported = export_model(folder + "/model", config, model.parameters(), "{}", MediaLimits{},
                                       /*step=*/0, DataType::f32);
  for (const Status* status : {&written, &exported})
    if (!status->ok()) {
      std::cerr << status->error().message << "\n";
      return 1;
    }
  OptimizerConfig plain;
  plain.muon_rate = 0;
  plain.adam_rate = 1e-4;
  plain.adam_eps = 1e-5;  // else rounding decides the sign of the first updates
  plain.clip_norm = 0;
  Optimizer optimizer(plain, model.parameters());
  std::printf("ready %lld\n", static_cast<long long>(batch.num_tokens()));
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::chrono::steady_clock::now();
    double loss = 0;
    for (const BatchLoss& part : sum_gradients(model, parts, pool)) loss += part.loss.item<double>();
    optimizer.step(1, pool);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("%.6f %.6f\n", loss, seconds);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace melete

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_train_steps DIR [THREADS]\n");
    return 2;
  }
  return melete::run(argv[1], std::clamp(argc > 2 ? std::atoi(argv[2]) : 2, 1, 16));
}
