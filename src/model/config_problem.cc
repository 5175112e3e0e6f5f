// What a model's shapes must satisfy. The bounds keep every product of sizes below 2^62 bytes, so that no
// later arithmetic can overflow.
#include <algorithm>

#include "base/check.h"
#include "model/config.h"
#include "model/config_limits.h"

namespace melete {
namespace {

constexpr int64_t kPatchWidth = 1176;       // a row of Media::patches
constexpr int64_t kSamplesPerToken = 1920;  // of Media::waveform

// A finite number in (0, 1e9]; not a number fails every comparison.
std::string positive(const char* name, double value) {
  if (value > 0 && value <= 1e9) return {};
  return cat(name, " must be above 0 and at most 1e9, got ", value);
}

std::string one_per_layer(const char* name, size_t size, int64_t layers) {
  if (static_cast<int64_t>(size) == layers) return {};
  return cat(name, " must have one entry a layer, ", layers, ", got ", size);
}

std::string first_of(std::initializer_list<std::string> problems) {
  for (const std::string& problem : problems)
    if (!problem.empty()) return problem;
  return {};
}

std::string rope_problem(const TextConfig& c) {
  double shared = 0;
  for (size_t i = 0; i < c.rope_theta.size(); ++i) {
    const double theta = c.rope_theta[i];
    if (theta == 0) continue;
    if (!(theta >= 1 && theta <= 1e12))
      return cat("layer_rope_theta[", i, "] must be 0 or between 1 and 1e12, got ", theta);
    if (shared != 0 && theta != shared)
      return cat("layer_rope_theta must be the same in all layers that use it, got ", shared, " and ", theta);
    shared = theta;
  }
  return {};
}

std::string moe_problem(const TextConfig& c) {
  bool any_sparse = false;
  for (const uint8_t sparse : c.is_sparse) any_sparse = any_sparse || sparse != 0;
  if (!any_sparse) return {};
  return first_of({range_problem("moe_hidden_size", c.moe_latent_size, 1, kMaxWidth),
                   range_problem("moe_intermediate_size", c.moe_intermediate_size, 1, kMaxWidth),
                   range_problem("num_local_experts", c.num_experts, 1, 4096),
                   range_problem("num_experts_per_tok", c.num_experts_per_token, 1, c.num_experts),
                   positive("routed_scaling_factor", c.routed_scaling_factor)});
}

std::string text_problem(const TextConfig& c, bool is_spark) {
  std::string problem =
      first_of({range_problem("vocab_size", c.vocab_size, 1, kMaxVocabulary),
                range_problem("hidden_size", c.hidden_size, 1, kMaxWidth),
                range_problem("intermediate_size", c.intermediate_size, 1, int64_t{1} << 20),
                range_problem("num_hidden_layers", c.num_layers, 1, kMaxLayers),
                range_problem("num_attention_heads", c.num_heads, 1, 4096),
                range_problem("num_key_value_heads", c.num_kv_heads, 1, c.num_heads),
                range_problem("head_dim", c.head_dim, 2, 4096),
                range_problem("max_position_embeddings", c.max_positions, 1, kMaxPositions),
                range_problem("sliding_window", c.sliding_window, 1, kMaxPositions),
                one_per_layer("layer_types", c.is_sliding.size(), c.num_layers),
                one_per_layer("layer_rope_theta", c.rope_theta.size(), c.num_layers),
                one_per_layer("mlp_layer_types", c.is_sparse.size(), c.num_layers),
                positive("qk_scale_factor", c.qk_scale), positive("output_multiplier", c.output_multiplier),
                positive("final_logit_softcapping", c.logit_softcap), positive("rms_norm_eps", c.rms_eps),
                positive("post_norm_eps", c.post_norm_eps), rope_problem(c), moe_problem(c)});
  if (!problem.empty()) return problem;
  if (c.num_heads % c.num_kv_heads != 0)
    return cat("num_key_value_heads must divide num_attention_heads=", c.num_heads, ", got ", c.num_kv_heads);
  if (c.hidden_size % c.num_heads != 0)
    return cat("num_attention_heads must divide hidden_size=", c.hidden_size, ", got ", c.num_heads);
  if (c.head_dim % 2 != 0) return cat("head_dim must be even for rotary positions, got ", c.head_dim);
  for (const int64_t id : c.eos_token_ids)
    if (problem = range_problem("eos_token_id", id, 0, c.vocab_size - 1); !problem.empty()) return problem;
  if (problem = range_problem("bos_token_id", c.bos_token_id, -1, c.vocab_size - 1); !problem.empty())
    return problem;
  return is_spark ? positive("residual_gate_temperature", c.residual_gate_temperature) : std::string();
}

std::string vision_problem(const VisionConfig& c) {
  std::string problem =
      first_of({range_problem("hidden_size", c.hidden_size, 4, kMaxWidth),
                range_problem("intermediate_size", c.intermediate_size, 1, int64_t{1} << 20),
                range_problem("num_hidden_layers", c.num_layers, 1, kMaxLayers),
                range_problem("num_attention_heads", c.num_heads, 1, 4096),
                range_problem("patch_size", c.patch_size, 14, 14),
                range_problem("patch_temporal", c.patch_temporal, 2, 2),
                range_problem("merge_size", c.merge_size, 2, 2),
                range_problem("pos_emb_height", c.table_size, 1, 1024),
                one_per_layer("layer_types", c.is_windowed.size(), c.num_layers),
                positive("layer_norm_eps", c.layer_norm_eps), positive("rope_theta", c.rope_theta)});
  if (!problem.empty()) return "vision_config." + problem;
  if (c.hidden_size % (4 * c.num_heads) != 0)
    return cat("vision_config.hidden_size must be a multiple of 4 x num_attention_heads=", c.num_heads,
               ", got ", c.hidden_size);
  if (c.merged_size != 4 * c.hidden_size)
    return cat("out_hidden_size must be 4 x vision_config.hidden_size=", c.hidden_size, ", got ",
               c.merged_size);
  MELETE_CHECK(c.patch_width() == kPatchWidth);
  return range_problem("projector_hidden_size", c.projector_size, 1, kMaxWidth);
}

std::string audio_problem(const AudioConfig& c) {
  const size_t stages = c.hidden_sizes.size();
  if (stages < 1 || stages > 16 || c.depths.size() != stages || c.patch_sizes.size() != stages)
    return cat(
        "audio_config.hidden_sizes, depths and patch_sizes must have one entry for each of 1 to 16 stages, "
        "got ",
        stages, ", ", c.depths.size(), " and ", c.patch_sizes.size());
  std::string problem = first_of({range_problem("conv_kernel_size", c.conv_kernel, 1, 1024),
                                  positive("mlp_ratio", c.mlp_ratio), positive("rms_norm_eps", c.rms_eps)});
  int64_t samples = 1;
  for (size_t i = 0; i < stages && problem.empty(); ++i) {
    problem = first_of({range_problem("hidden_sizes", c.hidden_sizes[i], 1, kMaxWidth),
                        range_problem("depths", c.depths[i], 0, kMaxLayers),
                        range_problem("patch_sizes", c.patch_sizes[i], 1, kSamplesPerToken)});
    const double inner = static_cast<double>(c.hidden_sizes[i]) * c.mlp_ratio;
    if (problem.empty() && !(inner >= 1 && inner <= 0x1p20))
      problem = cat("mlp_ratio x hidden_sizes must be between 1 and 2^20, got ", inner);
    samples = std::min<int64_t>(samples * c.patch_sizes[i], kSamplesPerToken + 1);
  }
  if (problem.empty() && samples != kSamplesPerToken) {
    problem = cat("patch_sizes must multiply to ", kSamplesPerToken, " samples a token, got");
    for (const int64_t size : c.patch_sizes) problem += cat(" ", size);
  }
  return problem.empty() ? problem : "audio_config." + problem;
}

}  // namespace

int64_t AudioConfig::samples_per_token() const {
  int64_t product = 1;
  for (const int64_t size : patch_sizes) product *= size;
  return product;
}

std::string ModelConfig::problem() const {
  if (const std::string text_says = text_problem(text, is_spark()); !text_says.empty())
    return "text_config." + text_says;
  const int64_t last = text.vocab_size - 1;
  if (has_vision) {
    std::string says =
        first_of({vision_problem(vision), range_problem("image_token_id", image_token_id, 0, last),
                  range_problem("video_token_id", video_token_id, 0, last)});
    if (!says.empty()) return says;
    if (image_token_id == video_token_id)
      return cat("image_token_id and video_token_id must differ, got both ", image_token_id);
  }
  if (has_audio) {
    if (!is_spark()) return "audio_config must be absent in muse_glimmer, got one";
    std::string says =
        first_of({audio_problem(audio), range_problem("audio_token_id", audio_token_id, 0, last)});
    if (!says.empty()) return says;
    if (has_vision && (audio_token_id == image_token_id || audio_token_id == video_token_id))
      return cat("audio_token_id must differ from image_token_id and video_token_id, got ", audio_token_id);
  }
  return {};
}

}  // namespace melete
