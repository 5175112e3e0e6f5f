// A model's folder in Hugging Face layout: config.json, model.safetensors (or shards), and the files that
// stock transformers needs to load it with AutoModelForImageTextToText and AutoProcessor.
//
// Weight names and shapes come from weight_specs() (model/weights.h). Router weight, router bias and residual
// gates are stored as float32 whatever the type of the rest, as the reference keeps them.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "model/config.h"
#include "model/safetensors.h"
#include "model/weights.h"

namespace melete {

// An open checkpoint whose tensors are exactly those that its config asks for.
struct Checkpoint {
  ModelConfig config;
  TensorFile tensors;
};

// Errors: not_found, corrupt, invalid_argument; each names the file, and all missing, unexpected or misshapen
// tensors up to the first five.
Result<Checkpoint> open_checkpoint(const std::filesystem::path& folder);

// Whether `tensors` has each weight of `config` in its shape and a float type, and nothing else.
Status check_tensors(const ModelConfig& config, const TensorFile& tensors);

// One weight to be saved: `values` are float32 in the order of spec.shape and belong to the caller.
struct WeightValues {
  WeightSpec spec;
  std::span<const float> values;
};

// The texts that the text room writes; none may be empty except chat_template_jinja.
struct TextFiles {
  std::string tokenizer_json, tokenizer_config_json, chat_template_jinja;
};

// Media limits that the preprocessor's files state (media/preprocess.h).
struct ProcessorLimits {
  int64_t max_image_tokens = 4096, max_video_frame_tokens = 144, max_video_frames = 96;
  double video_fps = 2.0;
};

// The limits in a folder's processor_config.json; the defaults where the file or a field is absent. Errors:
// corrupt, invalid_argument (a limit out of range), each naming the file.
Result<ProcessorLimits> read_processor_limits(const std::filesystem::path& folder);

struct SaveOptions {
  DataType type = DataType::f32;  // or bf16
  int64_t max_shard_bytes = int64_t{5} << 30;
  ProcessorLimits limits;
  TensorMetadata metadata;  // kept in the safetensors header, for example the training step
};

// Writes the whole folder, each file by rename and the weights first. Errors: invalid_argument (a bad config,
// weights that aren't exactly the config's), unavailable (the disk).
Status save_checkpoint(const std::filesystem::path& folder, const ModelConfig& config,
                       std::span<const WeightValues> weights, const TextFiles& text,
                       const SaveOptions& options = {});

// The weights' part of save_checkpoint alone, for training checkpoints: config.json and model.safetensors.
Status save_weights(const std::filesystem::path& folder, const ModelConfig& config,
                    std::span<const WeightValues> weights, const SaveOptions& options = {});

}  // namespace melete
