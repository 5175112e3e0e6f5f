// The shapes of a muse_spark or muse_glimmer model, as its config.json states them.
//
// Parsing, checking and writing: model/config.cc. problem() must be empty before any arithmetic uses the
// values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace melete {

enum class Architecture { muse_spark, muse_glimmer };

struct TextConfig {
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;        // D
  int64_t intermediate_size = 0;  // F
  int64_t num_layers = 0;         // L
  int64_t num_heads = 0;          // H
  int64_t num_kv_heads = 0;       // G, divides H
  int64_t head_dim = 0;           // K, even
  int64_t max_positions = 0;
  int64_t sliding_window = 0;       // W: a query sees keys i-W+1..i in sliding layers
  std::vector<uint8_t> is_sliding;  // [L]
  std::vector<double> rope_theta;   // [L]; 0: no rotary embedding in that layer
  std::vector<uint8_t> is_sparse;   // [L]; latent MoE instead of a dense MLP
  double qk_scale = 0;
  double output_multiplier = 1;
  double logit_softcap = 20;
  double rms_eps = 1e-5, post_norm_eps = 1e-8;
  double residual_gate_temperature = 0.3;  // spark only
  int64_t moe_latent_size = 0;             // M
  int64_t moe_intermediate_size = 0;       // I
  int64_t num_experts = 0;                 // E
  int64_t num_experts_per_token = 0;
  double routed_scaling_factor = 1;
  std::vector<int64_t> eos_token_ids;
  int64_t bos_token_id = -1;
};

struct VisionConfig {
  int64_t hidden_size = 0;  // C
  int64_t intermediate_size = 0;
  int64_t num_layers = 0;
  int64_t num_heads = 0;  // head width C / heads, divisible by 4
  int64_t patch_size = 14, patch_temporal = 2, merge_size = 2;
  int64_t table_size = 0;            // P: the position table is P x P, and so are attention windows
  std::vector<uint8_t> is_windowed;  // [layers]
  double layer_norm_eps = 1e-5;
  double rope_theta = 10000;
  int64_t merged_size = 0;     // out_hidden_size: C * merge_size^2
  int64_t projector_size = 0;  // projector_hidden_size
  int64_t patch_width() const { return patch_temporal * 3 * patch_size * patch_size; }
};

struct AudioConfig {
  std::vector<int64_t> hidden_sizes, depths, patch_sizes;  // one entry a stage
  double mlp_ratio = 4;
  int64_t conv_kernel = 7;
  double rms_eps = 1e-6;
  int64_t samples_per_token() const;  // product of patch_sizes: 1920
};

struct ModelConfig {
  Architecture architecture = Architecture::muse_spark;
  TextConfig text;
  bool has_vision = false, has_audio = false;
  VisionConfig vision;
  AudioConfig audio;
  int64_t image_token_id = -1, video_token_id = -1, audio_token_id = -1;

  bool is_spark() const { return architecture == Architecture::muse_spark; }
  // Empty if usable, else what must hold and what was given.
  std::string problem() const;
};

// Parses config.json (transformers' field names and defaults). Errors: corrupt (JSON), invalid_argument (an
// unknown model_type, naming what is supported; a field's name and value).
Result<ModelConfig> parse_model_config(std::string_view config_json, std::string_view where);

// The config.json that stock transformers loads.
Json to_json(const ModelConfig& config);

}  // namespace melete
