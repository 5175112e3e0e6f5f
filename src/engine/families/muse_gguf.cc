#include "engine/families/muse_gguf.h"

#include <cmath>

#include "model/config_limits.h"
#include "text/special_tokens.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kGlobalEvery = 4;  // every fourth vision layer and the last see everything

Error wrong(const GgufFile& gguf, std::string_view key, const std::string& what) {
  return invalid_argument("[", gguf.name(), "] ", key, " must be ", what,
                          "; this model can't be computed here");
}

Result<int64_t> layer_count(const GgufFile& gguf, const std::string& prefix) {
  const std::string key = prefix + "block_count";
  MELETE_ASSIGN_OR_RETURN(const int64_t count, gguf.integer(key));
  if (count >= 1 && count <= kMaxLayers) return count;
  return wrong(gguf, key, cat("between 1 and ", kMaxLayers, ", got ", count));
}

// Whether each layer slides, as a list or as a period.
Result<std::vector<uint8_t>> sliding_layers(const GgufFile& gguf, const std::string& key, int64_t layers) {
  const GgufValue* value = gguf.find(key);
  if (const auto* list = value == nullptr ? nullptr : std::get_if<std::vector<bool>>(value)) {
    if (static_cast<int64_t>(list->size()) == layers) return std::vector<uint8_t>(list->begin(), list->end());
    return wrong(gguf, key, cat("one entry for each of ", layers, " layers, got ", list->size()));
  }
  MELETE_ASSIGN_OR_RETURN(const int64_t period, gguf.integer(key, kGlobalEvery));
  if (period < 1) return wrong(gguf, key, cat("at least 1, got ", period));
  std::vector<uint8_t> sliding;
  for (int64_t i = 0; i < layers; ++i) sliding.push_back((layers - 1 - i) % period != 0);
  return sliding;
}

// The first layer's q norm holds the one scale of queries.
Result<double> query_scale(const GgufFile& gguf) {
  MELETE_ASSIGN_OR_RETURN(const std::vector<float> norm, gguf.tensors().floats("blk.0.attn_q_norm.weight"));
  for (const float value : norm)
    if (value != norm[0])
      return wrong(gguf, "blk.0.attn_q_norm.weight", "one number throughout, got several");
  return norm.empty() ? 1.0 : static_cast<double>(norm[0]);
}

Status read_experts(const GgufFile& gguf, const std::string& p, TextConfig& c) {
  MELETE_ASSIGN_OR_RETURN(c.num_experts, gguf.integer(p + "expert_count"));
  MELETE_ASSIGN_OR_RETURN(c.num_experts_per_token, gguf.integer(p + "expert_used_count"));
  MELETE_ASSIGN_OR_RETURN(c.moe_intermediate_size, gguf.integer(p + "expert_feed_forward_length"));
  MELETE_ASSIGN_OR_RETURN(c.moe_latent_size, gguf.integer(p + "moe_latent_size"));
  MELETE_ASSIGN_OR_RETURN(c.routed_scaling_factor, gguf.number(p + "expert_weights_scale", 1.0));
  MELETE_ASSIGN_OR_RETURN(c.post_norm_eps, gguf.number(p + "post_norm_epsilon", c.post_norm_eps));
  c.is_sparse.assign(static_cast<size_t>(c.num_layers), 1);
  return ok_status();
}

Result<TextConfig> read_text(const GgufFile& gguf, bool is_spark) {
  const std::string p = gguf.architecture() + ".";
  TextConfig c;
  MELETE_ASSIGN_OR_RETURN(c.hidden_size, gguf.integer(p + "embedding_length"));
  MELETE_ASSIGN_OR_RETURN(c.intermediate_size, gguf.integer(p + "feed_forward_length"));
  MELETE_ASSIGN_OR_RETURN(c.num_layers, layer_count(gguf, p));
  MELETE_ASSIGN_OR_RETURN(c.num_heads, gguf.integer(p + "attention.head_count"));
  MELETE_ASSIGN_OR_RETURN(c.num_kv_heads, gguf.integer(p + "attention.head_count_kv"));
  MELETE_ASSIGN_OR_RETURN(c.head_dim, gguf.integer(p + "attention.key_length"));
  MELETE_ASSIGN_OR_RETURN(c.max_positions, gguf.integer(p + "context_length"));
  MELETE_ASSIGN_OR_RETURN(c.sliding_window, gguf.integer(p + "attention.sliding_window"));
  MELETE_ASSIGN_OR_RETURN(c.rms_eps, gguf.number(p + "attention.layer_norm_rms_epsilon", c.rms_eps));
  MELETE_ASSIGN_OR_RETURN(c.logit_softcap, gguf.number(p + "final_logit_softcapping", c.logit_softcap));
  MELETE_ASSIGN_OR_RETURN(c.output_multiplier, gguf.number(p + "logit_scale"));
  MELETE_ASSIGN_OR_RETURN(const double theta, gguf.number(p + "rope.freq_base", 10000));
  MELETE_ASSIGN_OR_RETURN(const double sliding_theta, gguf.number(p + "rope.freq_base_swa", theta));
  const TensorView* tokens = gguf.tensors().find("token_embd.weight");
  if (tokens != nullptr && tokens->shape.size() == 2) c.vocab_size = tokens->shape[0];
  MELETE_ASSIGN_OR_RETURN(c.is_sliding,
                          sliding_layers(gguf, p + "attention.sliding_window_pattern", c.num_layers));
  for (const uint8_t sliding : c.is_sliding) c.rope_theta.push_back(sliding != 0 ? sliding_theta : 0);
  MELETE_ASSIGN_OR_RETURN(c.qk_scale, query_scale(gguf));
  c.residual_gate_temperature = 1;  // the file holds what the gates become
  c.is_sparse.assign(static_cast<size_t>(c.num_layers), 0);
  if (is_spark) MELETE_RETURN_IF_ERROR(read_experts(gguf, p, c));
  return c;
}

Result<VisionConfig> read_vision(const GgufFile& gguf) {
  const std::string p = "clip.vision.";
  VisionConfig c;
  MELETE_ASSIGN_OR_RETURN(c.hidden_size, gguf.integer(p + "embedding_length"));
  MELETE_ASSIGN_OR_RETURN(c.intermediate_size, gguf.integer(p + "feed_forward_length"));
  MELETE_ASSIGN_OR_RETURN(c.num_layers, layer_count(gguf, p));
  MELETE_ASSIGN_OR_RETURN(c.num_heads, gguf.integer(p + "attention.head_count"));
  MELETE_ASSIGN_OR_RETURN(c.layer_norm_eps,
                          gguf.number(p + "attention.layer_norm_epsilon", c.layer_norm_eps));
  MELETE_ASSIGN_OR_RETURN(const int64_t patch, gguf.integer(p + "patch_size"));
  MELETE_ASSIGN_OR_RETURN(const int64_t merge, gguf.integer(p + "spatial_merge_size", c.merge_size));
  if (patch != c.patch_size || merge != c.merge_size)
    return wrong(
        gguf, p + "patch_size",
        cat(c.patch_size, " with spatial_merge_size ", c.merge_size, ", got ", patch, " and ", merge));
  for (int64_t i = 0; i < c.num_layers; ++i)
    c.is_windowed.push_back((i + 1) % kGlobalEvery != 0 && i + 1 != c.num_layers);
  const TensorView* positions = gguf.tensors().find("v.position_embd.weight");
  if (positions != nullptr && !positions->shape.empty())
    c.table_size = std::llround(std::sqrt(static_cast<double>(positions->shape[0])));
  const TensorView* adapter = gguf.tensors().find("mm.0.weight");
  if (adapter != nullptr && !adapter->shape.empty()) c.projector_size = adapter->shape[0];
  c.merged_size = c.hidden_size * merge * merge;
  return c;
}

Result<AudioConfig> read_audio(const GgufFile& gguf) {
  const std::string p = "clip.audio.";
  AudioConfig c;
  MELETE_ASSIGN_OR_RETURN(c.hidden_sizes, gguf.integers(p + "hidden_sizes"));
  MELETE_ASSIGN_OR_RETURN(c.patch_sizes, gguf.integers(p + "patch_sizes"));
  MELETE_ASSIGN_OR_RETURN(c.depths, gguf.integers(p + "depths"));
  MELETE_ASSIGN_OR_RETURN(c.conv_kernel, gguf.integer(p + "conv_kernel_size", c.conv_kernel));
  MELETE_ASSIGN_OR_RETURN(c.rms_eps, gguf.number(p + "attention.layer_norm_epsilon", c.rms_eps));
  MELETE_ASSIGN_OR_RETURN(const int64_t width, gguf.integer(p + "embedding_length"));
  MELETE_ASSIGN_OR_RETURN(const int64_t inner, gguf.integer(p + "feed_forward_length"));
  if (width < 1) return wrong(gguf, p + "embedding_length", cat("above 0, got ", width));
  c.mlp_ratio = static_cast<double>(inner) / static_cast<double>(width);
  return c;
}

// Where the vocabulary has the placeholders of media.
Status read_placeholders(const GgufFile& gguf, ModelConfig& config) {
  MELETE_ASSIGN_OR_RETURN(const std::vector<std::string> tokens, gguf.texts("tokenizer.ggml.tokens"));
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto id = static_cast<int64_t>(i);
    if (tokens[i] == kPatch) config.image_token_id = id;
    if (tokens[i] == kVideo) config.video_token_id = id;
    if (tokens[i] == kAudio) config.audio_token_id = id;
  }
  return ok_status();
}

// The mmproj file beside a model; empty if there is none or more than one whose name isn't the model's.
fs::path towers_of(const fs::path& model) {
  const fs::path named = model.parent_path() / ("mmproj-" + model.filename().string());
  std::error_code ignored;
  if (fs::exists(named, ignored)) return named;
  const fs::path folder = model.has_parent_path() ? model.parent_path() : fs::path(".");
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("mmproj") && name.ends_with(".gguf")) found.push_back(entry.path());
  }
  return found.size() == 1 ? found[0] : fs::path();
}

Status read_towers(const GgufFile& towers, MuseGguf& files) {
  MELETE_ASSIGN_OR_RETURN(files.config.has_vision, towers.boolean("clip.has_vision_encoder", false));
  MELETE_ASSIGN_OR_RETURN(files.config.has_audio, towers.boolean("clip.has_audio_encoder", false));
  if (files.config.has_vision) {
    MELETE_ASSIGN_OR_RETURN(files.config.vision, read_vision(towers));
  }
  if (files.config.has_audio) {
    MELETE_ASSIGN_OR_RETURN(files.config.audio, read_audio(towers));
  }
  for (const auto& [name, view] : towers.tensors().tensors())
    if (!files.tensors.add(name, view))
      return wrong(towers, quoted_name(name), "in one of the two files only, got it in both");
  files.tensors.keep_files_of(towers.tensors());
  return ok_status();
}

}  // namespace

Result<MuseGguf> open_muse_gguf(const GgufFile& model, const fs::path& path) {
  MuseGguf files{{}, model.tensors(), {}};
  files.config.architecture =
      model.architecture() == "muse-spark" ? Architecture::muse_spark : Architecture::muse_glimmer;
  MELETE_ASSIGN_OR_RETURN(files.config.text, read_text(model, files.config.is_spark()));
  MELETE_RETURN_IF_ERROR(read_placeholders(model, files.config));
  if (const fs::path beside = towers_of(path); !beside.empty()) {
    MELETE_ASSIGN_OR_RETURN(files.towers, GgufFile::open(beside));
    MELETE_RETURN_IF_ERROR(read_towers(*files.towers, files));
  }
  if (const std::string problem = files.config.problem(); !problem.empty())
    return invalid_argument("[", path.string(), "] ", problem, "; this model can't be computed here");
  return files;
}

}  // namespace melete
