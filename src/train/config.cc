#include "train/config.h"

#include <cmath>

namespace melete {

std::string RunConfig::problem() const {
  if (name.empty() || name[0] == '.' || name.find('/') != std::string::npos)
    return cat("name must be a plain folder name, got \"", name, "\"");
  if (threads < 0 || threads > 1024) return cat("threads must be 0 to 1024, got ", threads);
  if (precision != "float32" && precision != "bfloat16" && precision != "auto")
    return cat("precision must be float32, bfloat16 or auto, got \"", precision, "\"");
  if (!(checkpoint_minutes > 0)) return cat("checkpoint_minutes must be above 0, got ", checkpoint_minutes);
  if (log_steps < 1) return cat("log_steps must be at least 1, got ", log_steps);
  return {};
}

bool RunConfig::uses_bf16() const {
  if (precision != "auto") return precision == "bfloat16";
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;  // elsewhere emulated, which is slower than float32
#else
  return false;
#endif
}

std::string EvalConfig::problem() const {
  if (every_steps < 0) return cat("every_steps must be 0 or more, got ", every_steps);
  if (questions_per_level < 1)
    return cat("questions_per_level must be at least 1, got ", questions_per_level);
  return {};
}

namespace {

TextConfig to_text_config(const TextShape& shape) {
  TextConfig text;
  text.vocab_size = shape.vocab_size;
  text.hidden_size = shape.width;
  text.intermediate_size = shape.mlp;
  text.num_layers = shape.layers;
  text.num_heads = shape.heads;
  text.num_kv_heads = shape.kv_heads;
  text.head_dim = shape.head_dim;
  text.max_positions = shape.max_positions;
  text.sliding_window = shape.sliding_window;
  for (int64_t i = 0; i < shape.layers; ++i) {
    const bool global = (shape.layers - 1 - i) % 4 == 0;
    text.is_sliding.push_back(!global);
    text.rope_theta.push_back(global ? 0 : 500000);
    text.is_sparse.push_back(shape.sparse_every > 0 && i % shape.sparse_every == shape.sparse_every - 1);
  }
  text.qk_scale =
      shape.qk_scale > 0 ? shape.qk_scale : 3.87 * std::sqrt(128.0 / static_cast<double>(shape.head_dim));
  text.output_multiplier = shape.output_multiplier > 0 ? shape.output_multiplier
                                                       : std::sqrt(256.0 / static_cast<double>(shape.width));
  text.moe_latent_size = shape.latent;
  text.moe_intermediate_size = shape.expert_mlp;
  text.num_experts = shape.experts;
  text.num_experts_per_token = shape.experts_per_token;
  return text;
}

VisionConfig to_vision_config(const VisionShape& shape) {
  VisionConfig vision;
  vision.hidden_size = shape.width;
  vision.intermediate_size = shape.mlp;
  vision.num_layers = shape.layers;
  vision.num_heads = shape.heads;
  vision.table_size = shape.table;
  for (int64_t i = 0; i < shape.layers; ++i)
    vision.is_windowed.push_back((i + 1) % 4 != 0 && i + 1 != shape.layers);
  vision.merged_size = shape.width * vision.merge_size * vision.merge_size;
  vision.projector_size = shape.projector;
  return vision;
}

}  // namespace

std::string ModelShape::problem() const {
  if (text.layers < 1 || text.layers > 512) return cat("text.layers must be 1 to 512, got ", text.layers);
  if (text.width < 1 || text.head_dim < 1)
    return cat("text.width and text.head_dim must be at least 1, got ", text.width, " and ", text.head_dim);
  if (text.vocab_size < 512) return cat("text.vocab_size must be at least 512, got ", text.vocab_size);
  if (vision.width < 0 || (vision.width > 0 && (vision.layers < 1 || vision.layers > 512)))
    return cat("vision.width must be 0 or more and vision.layers 1 to 512, got ", vision.width, " and ",
               vision.layers);
  if (audio.widths.size() != audio.depths.size() || (!audio.widths.empty() && audio.widths.size() != 4))
    return cat("audio.widths and audio.depths must hold four numbers each or none, got ", audio.widths.size(),
               " and ", audio.depths.size());
  ModelConfig config = to_model_config(*this);
  if (config.has_vision)
    config.image_token_id = 1, config.video_token_id = 2;  // the tokenizer's, known later
  if (config.has_audio) config.audio_token_id = 3;
  return config.problem();
}

ModelConfig to_model_config(const ModelShape& shape) {
  ModelConfig config;
  config.text = to_text_config(shape.text);
  config.has_vision = shape.vision.width > 0;
  if (config.has_vision) config.vision = to_vision_config(shape.vision);
  config.has_audio = !shape.audio.widths.empty();
  if (config.has_audio) {
    config.audio.hidden_sizes = shape.audio.widths;
    config.audio.depths = shape.audio.depths;
    config.audio.patch_sizes = {16, 6, 5, 4};
  }
  return config;
}

}  // namespace melete
