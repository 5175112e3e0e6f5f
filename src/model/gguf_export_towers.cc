#include <algorithm>
#include <numeric>

#include "model/gguf_export_parts.h"

namespace melete {
namespace {

constexpr int64_t kGlobalEvery =
    4;  // the reader's graph: every fourth vision layer and the last see everything

Status check_towers(const ModelConfig& config, std::string_view where) {
  const VisionConfig& v = config.vision;
  if (!config.has_vision) return ok_status();
  bool same = v.rope_theta == 10000 && v.patch_temporal == 2;
  for (int64_t i = 0; i < v.num_layers; ++i) {
    const bool global = (i + 1) % kGlobalEvery == 0 || i + 1 == v.num_layers;
    same = same && (v.is_windowed[static_cast<size_t>(i)] != 0) == !global;
  }
  if (same) return ok_status();
  return invalid_argument(
      "[", where,
      "] the vision tower must have windows but in every fourth layer and the last, rotary base "
      "10000 and pairs of frames, got another; GGUF's muse-glimmer projector can't state it, use "
      "safetensors");
}

std::vector<int32_t> integers(const std::vector<int64_t>& values) { return {values.begin(), values.end()}; }

void add_vision_fields(const ModelConfig& config, std::vector<GgufField>& fields) {
  const VisionConfig& v = config.vision;
  const auto count = [&](const char* key, int64_t value) {
    fields.push_back({cat("clip.vision.", key), static_cast<uint32_t>(value)});
  };
  fields.push_back({"clip.vision.projector_type", std::string("muse-glimmer")});
  count("image_size", v.table_size * v.patch_size * v.merge_size);
  count("patch_size", v.patch_size);
  count("embedding_length", v.hidden_size);
  count("feed_forward_length", v.intermediate_size);
  count("block_count", v.num_layers);
  count("attention.head_count", v.num_heads);
  count("projection_dim", config.text.hidden_size);
  count("spatial_merge_size", v.merge_size);
  fields.push_back({"clip.vision.attention.layer_norm_epsilon", static_cast<float>(v.layer_norm_eps)});
  fields.push_back({"clip.vision.image_mean", std::vector<float>(3, 0.5f)});
  fields.push_back({"clip.vision.image_std", std::vector<float>(3, 0.5f)});
}

void add_audio_fields(const ModelConfig& config, std::vector<GgufField>& fields) {
  const AudioConfig& a = config.audio;
  const auto count = [&](const char* key, int64_t value) {
    fields.push_back({cat("clip.audio.", key), static_cast<uint32_t>(value)});
  };
  fields.push_back({"clip.audio.projector_type", std::string("muse-spark-audio")});
  count("num_mel_bins", 1);
  count("embedding_length", a.hidden_sizes.back());
  count("feed_forward_length",
        static_cast<int64_t>(static_cast<double>(a.hidden_sizes.back()) * a.mlp_ratio));
  count("block_count", std::accumulate(a.depths.begin(), a.depths.end(), int64_t{0}));
  count("attention.head_count", 1);
  count("projection_dim", config.text.hidden_size);
  count("conv_kernel_size", a.conv_kernel);
  fields.push_back({"clip.audio.hidden_sizes", integers(a.hidden_sizes)});
  fields.push_back({"clip.audio.patch_sizes", integers(a.patch_sizes)});
  fields.push_back({"clip.audio.depths", integers(a.depths)});
  fields.push_back({"clip.audio.attention.layer_norm_epsilon", static_cast<float>(a.rms_eps)});
}

// The patch embedding [C, 2, 3, p, p]: the sum over its two frames, or the second alone.
GgufTensorList::Edit frames(int64_t channels, bool sum) {
  return [channels, sum](std::vector<float>& values) {
    const size_t half = values.size() / static_cast<size_t>(2 * channels);
    std::vector<float> out;
    for (size_t c = 0; c < static_cast<size_t>(channels); ++c)
      for (size_t i = 0; i < half; ++i)
        out.push_back((sum ? values[2 * c * half + i] : 0.0f) + values[(2 * c + 1) * half + i]);
    values = std::move(out);
  };
}

void add_vision_layer(const VisionConfig& v, int64_t index, GgufTensorList& tensors) {
  const std::string from = cat("model.vision_tower.layers.", index, "."), to = cat("v.blk.", index, ".");
  const auto both = [&](const std::string& name, const std::string& source, int64_t rotated_heads = 0) {
    using Edit = GgufTensorList::Edit;
    const Edit weight = rotated_heads > 0 ? pairs_from_halves(rotated_heads, v.hidden_size) : Edit();
    const Edit bias = rotated_heads > 0 ? pairs_from_halves(rotated_heads, 1) : Edit();
    tensors.matrix(to + name + ".weight", from + source + ".weight", weight);
    tensors.plain(to + name + ".bias", from + source + ".bias", bias);
  };
  for (const int norm : {1, 2}) {
    tensors.plain(cat(to, "ln", norm, ".weight"), cat(from, "norm", norm, ".weight"));
    tensors.plain(cat(to, "ln", norm, ".bias"), cat(from, "norm", norm, ".bias"));
  }
  both("attn_q", "attn.q_proj", v.num_heads);
  both("attn_k", "attn.k_proj", v.num_heads);
  both("attn_v", "attn.v_proj");
  both("attn_out", "attn.proj");
  both("ffn_up", "mlp.fc1");
  both("ffn_down", "mlp.fc2");
}

void add_vision(const VisionConfig& v, GgufTensorList& tensors) {
  const std::string from = "model.vision_tower.", patch = from + "patch_embedder.patch_embedding.weight";
  const int64_t C = v.hidden_size;
  const TensorShape picture = {C, 3, v.patch_size, v.patch_size};
  tensors.plain_as("v.patch_embd.weight", picture, patch, frames(C, true));
  tensors.plain_as("v.patch_embd_second.weight", picture, patch, frames(C, false));
  tensors.plain("v.position_embd.weight", from + "patch_embedder.position_embedding_table.weight");
  for (const char* part : {"weight", "bias"}) {
    tensors.plain(cat("v.pre_ln.", part), cat(from, "ln_pre.", part));
    tensors.plain(cat("v.post_ln.", part), cat(from, "ln_post.", part));
  }
  for (int64_t i = 0; i < v.num_layers; ++i) add_vision_layer(v, i, tensors);
  tensors.matrix("mm.0.weight", "model.vision_adapter.fc1.weight");
  tensors.matrix("mm.1.weight", "model.vision_adapter.fc2.weight");
  tensors.matrix("mm.2.weight", "model.vision_projection.weight");
}

void add_audio(const AudioConfig& a, GgufTensorList& tensors) {
  int64_t block = 0;
  for (size_t s = 0; s < a.depths.size(); ++s) {
    const std::string from = cat("model.audio_tower.layers.", s, "."), to = cat("a.patch.", s, ".");
    tensors.matrix(to + "weight", from + "patch_embedder.proj.weight");
    tensors.plain(to + "bias", from + "patch_embedder.proj.bias");
    tensors.plain(to + "norm.weight", from + "patch_embedder.norm.weight");
    for (int64_t b = 0; b < a.depths[s]; ++b, ++block) {
      const std::string source = cat(from, "conv_blocks.", b, "."), conv = cat("a.conv1d.", block, "."),
                        ffn = cat("a.blk.", block, ".");
      tensors.plain(conv + "weight", source + "conv.weight");
      tensors.plain(conv + "bias", source + "conv.bias");
      tensors.plain(conv + "norm.weight", source + "norm.weight");
      tensors.matrix(ffn + "ffn_up.weight", source + "mlp.fc1.weight");
      tensors.plain(ffn + "ffn_up.bias", source + "mlp.fc1.bias");
      tensors.matrix(ffn + "ffn_down.weight", source + "mlp.fc2.weight");
      tensors.plain(ffn + "ffn_down.bias", source + "mlp.fc2.bias");
    }
  }
  tensors.plain("a.pre_ln.weight", "model.audio_tower.norm.weight");
  tensors.matrix("mm.a.fc.weight", "model.audio_tower.proj.weight");
  tensors.plain("mm.a.fc.bias", "model.audio_tower.proj.bias");
  tensors.plain("a.post_ln.weight", "model.audio_tower.post_proj_norm.weight");
}

}  // namespace

Status add_towers(const Checkpoint& model, std::string_view where, std::vector<GgufField>& fields,
                  GgufTensorList& tensors) {
  const ModelConfig& config = model.config;
  MELETE_RETURN_IF_ERROR(check_towers(config, where));
  fields.push_back({"clip.has_vision_encoder", config.has_vision});
  fields.push_back({"clip.has_audio_encoder", config.has_audio});
  fields.push_back({"clip.use_gelu", true});
  if (config.has_vision) {
    add_vision_fields(config, fields);
    add_vision(config.vision, tensors);
  }
  if (config.has_audio) {
    add_audio_fields(config, fields);
    add_audio(config.audio, tensors);
  }
  return ok_status();
}

}  // namespace melete
