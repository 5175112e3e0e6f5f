#include <algorithm>
#include <cmath>
#include <map>

#include "engine/families/muse_gguf.h"
#include "engine/families/rope.h"

namespace melete {
namespace {

// Hugging Face's part of a layer's name -> GGUF's, without ".weight".
const std::map<std::string, std::string, std::less<>>& layer_parts() {
  static const std::map<std::string, std::string, std::less<>> parts = {
      {"input_layernorm", "attn_norm"},
      {"self_attn.q_proj", "attn_q"},
      {"self_attn.k_proj", "attn_k"},
      {"self_attn.v_proj", "attn_v"},
      {"self_attn.gate_proj", "attn_gate"},
      {"self_attn.o_proj", "attn_output"},
      {"post_attention_layernorm", "post_attention_norm"},
      {"pre_feedforward_layernorm", "ffn_norm"},
      {"post_feedforward_layernorm", "post_ffw_norm"},
      {"mlp.gate_proj", "ffn_gate"},
      {"mlp.up_proj", "ffn_up"},
      {"mlp.down_proj", "ffn_down"},
      {"mlp.gate", "ffn_gate_inp"},
      {"mlp.pre_expert_proj", "ffn_latent_down"},
      {"mlp.pre_expert_norm", "ffn_pre_exp_norm"},
      {"mlp.experts.post_expert_norm", "ffn_post_exp_norm"},
      {"mlp.post_expert_proj", "ffn_latent_up"},
      // Vision.
      {"norm1", "ln1"},
      {"norm2", "ln2"},
      {"attn.q_proj", "attn_q"},
      {"attn.k_proj", "attn_k"},
      {"attn.v_proj", "attn_v"},
      {"attn.proj", "attn_out"},
      {"mlp.fc1", "ffn_up"},
      {"mlp.fc2", "ffn_down"}};
  return parts;
}

// Names outside of layers.
const std::map<std::string, std::string, std::less<>>& whole_names() {
  static const std::map<std::string, std::string, std::less<>> names = {
      {"model.language_model.embed_tokens.weight", "token_embd.weight"},
      {"model.language_model.norm.weight", "output_norm.weight"},
      {"lm_head.weight", "output.weight"},
      {"model.vision_tower.patch_embedder.position_embedding_table.weight", "v.position_embd.weight"},
      {"model.vision_tower.ln_pre.weight", "v.pre_ln.weight"},
      {"model.vision_tower.ln_pre.bias", "v.pre_ln.bias"},
      {"model.vision_tower.ln_post.weight", "v.post_ln.weight"},
      {"model.vision_tower.ln_post.bias", "v.post_ln.bias"},
      {"model.vision_adapter.fc1.weight", "mm.0.weight"},
      {"model.vision_adapter.fc2.weight", "mm.1.weight"},
      {"model.vision_projection.weight", "mm.2.weight"},
      {"model.audio_tower.norm.weight", "a.pre_ln.weight"},
      {"model.audio_tower.proj.weight", "mm.a.fc.weight"},
      {"model.audio_tower.proj.bias", "mm.a.fc.bias"},
      {"model.audio_tower.post_proj_norm.weight", "a.post_ln.weight"}};
  return names;
}

// "3.self_attn.q_proj.weight" as its number, its part and its end.
struct LayerName {
  int64_t index = 0;
  std::string part, end;
};

LayerName layer_name(std::string_view rest) {
  const size_t dot = rest.find('.'), last = rest.rfind('.');
  return {std::stoll(std::string(rest.substr(0, dot))), std::string(rest.substr(dot + 1, last - dot - 1)),
          std::string(rest.substr(last))};
}

class Names {
 public:
  explicit Names(const ModelConfig& config) : config_(config) {}

  std::string operator()(const std::string& name) const {
    if (const auto found = whole_names().find(name); found != whole_names().end()) return found->second;
    for (const auto& [begin, to] : {std::pair("model.language_model.layers.", "blk."),
                                    std::pair("model.vision_tower.layers.", "v.blk.")}) {
      if (!name.starts_with(begin)) continue;
      const LayerName layer = layer_name(std::string_view(name).substr(std::string_view(begin).size()));
      const auto part = layer_parts().find(layer.part);
      MELETE_CHECK(part != layer_parts().end(), name);
      return cat(to, layer.index, ".", part->second, layer.end);
    }
    return audio(name);
  }

 private:
  // Blocks count through all stages.
  std::string audio(const std::string& name) const {
    const LayerName stage =
        layer_name(std::string_view(name).substr(std::string_view("model.audio_tower.layers.").size()));
    if (stage.part == "patch_embedder.proj") return cat("a.patch.", stage.index, stage.end);
    if (stage.part == "patch_embedder.norm") return cat("a.patch.", stage.index, ".norm", stage.end);
    const LayerName block =
        layer_name(stage.part.substr(std::string_view("conv_blocks.").size()) + stage.end);
    int64_t index = block.index;
    for (int64_t s = 0; s < stage.index; ++s) index += config_.audio.depths[static_cast<size_t>(s)];
    if (block.part == "conv") return cat("a.conv1d.", index, block.end);
    if (block.part == "norm") return cat("a.conv1d.", index, ".norm", block.end);
    return cat("a.blk.", index, block.part == "mlp.fc1" ? ".ffn_up" : ".ffn_down", block.end);
  }

  const ModelConfig& config_;
};

// What the residual gate of temperature 1 is whose sigmoid is beta.
void gates_from_beta(std::vector<float>& values) {
  for (float& value : values) {
    const double beta = std::clamp(static_cast<double>(value), 1e-12, 1 - 1e-7);
    value = static_cast<float>(std::log(beta / (1 - beta)));
  }
}

struct GgufVisitor {
  const MuseGguf& files;
  WeightLoader& loader;
  Names name{files.config};

  const TextConfig& text() const { return files.config.text; }

  void operator()(const WeightSpec& spec, RowTable& table) const {
    if (spec.role == WeightRole::embedding)
      loader.stored_rows(name(spec.name), spec.shape[0], spec.shape[1], table);
    else
      loader.table(name(spec.name), spec.shape[0], spec.shape[1], table);
  }

  void operator()(const WeightSpec& spec, WeightMatrix& matrix) const {
    const int64_t out = spec.shape[0], in = spec.shape[1];
    if (spec.role == WeightRole::router) return router(spec, matrix);
    if (spec.name.ends_with("patch_embedding.weight")) return patches(out, in, matrix);
    loader.matrix(
        name(spec.name), out, in, matrix,
        spec.role == WeightRole::head ? WeightLoader::Precision::head : WeightLoader::Precision::wanted,
        order_of(spec));
  }

  void operator()(const WeightSpec& spec, std::vector<float>& vector) const {
    const int64_t size = spec.shape[0];
    const auto layer = [&](const char* part) {
      return cat("blk.",
                 layer_name(spec.name.substr(std::string_view("model.language_model.layers.").size())).index,
                 ".", part);
    };
    if (spec.role == WeightRole::residual_gate) {
      const std::string at =
          layer(spec.name.find("post_attention") != std::string::npos ? "attn_resid" : "ffn_resid");
      loader.vector(at + "_beta.weight", size, vector);
      loader.skip(at + "_alpha.weight");  // follows from beta
      gates_from_beta(vector);
    } else if (spec.role == WeightRole::router_bias) {
      loader.vector(layer("exp_probs_b.bias"), size, vector);
    } else {
      loader.vector(name(spec.name), size, vector, spec.role == WeightRole::norm_offset ? -1.0f : 0.0f,
                    order_of(spec));
    }
  }

  void operator()(const WeightSpec& spec, ConvKernel& kernel) const {
    loader.kernel(name(spec.name), spec.shape[0], spec.shape[2], kernel);
  }

  void operator()(const WeightSpec& spec, std::vector<WeightMatrix>& stack) const {
    const int64_t experts = spec.shape[0], out = spec.shape[1], in = spec.shape[2];
    const std::string layer =
        cat("blk.",
            layer_name(spec.name.substr(std::string_view("model.language_model.layers.").size())).index, ".");
    if (spec.name.ends_with("gate_up_proj"))
      loader.joined_stack(layer + "ffn_gate_exps.weight", layer + "ffn_up_exps.weight", experts, out / 2, in,
                          stack);
    else
      loader.stack(layer + "ffn_down_exps.weight", experts, out, in, stack);
  }

  // The file's router has the multiplier in it that the model applies to its scores.
  void router(const WeightSpec& spec, WeightMatrix& matrix) const {
    const WeightLoader::Part part{name(spec.name), spec.shape};
    loader.computed(std::span(&part, 1), spec.shape[0], spec.shape[1], matrix,
                    [factor = text().output_multiplier](std::vector<std::vector<float>> parts) {
                      for (float& value : parts[0]) value = static_cast<float>(value / factor);
                      return std::move(parts[0]);
                    });
  }

  // [C, 2 x 588] from the sum of a patch's two frames and the second alone.
  void patches(int64_t out, int64_t in, WeightMatrix& matrix) const {
    const VisionConfig& v = files.config.vision;
    const TensorShape shape = {out, 3, v.patch_size, v.patch_size};
    const WeightLoader::Part parts[] = {{"v.patch_embd.weight", shape},
                                        {"v.patch_embd_second.weight", shape}};
    loader.computed(parts, out, in, matrix, [out, in](std::vector<std::vector<float>> given) {
      std::vector<float> both(static_cast<size_t>(out * in));
      const auto half = static_cast<size_t>(in / 2);
      for (size_t c = 0; c < static_cast<size_t>(out); ++c)
        for (size_t i = 0; i < half; ++i) {
          const float second = given[1][c * half + i];
          both[2 * c * half + i] = given[0][c * half + i] - second;
          both[(2 * c + 1) * half + i] = second;
        }
      return both;
    });
  }

  // q and k, of the decoder and of the vision tower, rotate neighbours in the file.
  RowOrder order_of(const WeightSpec& spec) const {
    const bool is_q = spec.name.find(".q_proj.") != std::string::npos,
               is_k = spec.name.find(".k_proj.") != std::string::npos;
    if (!is_q && !is_k) return {};
    if (spec.name.starts_with("model.vision_tower."))
      return halves_from_pairs(files.config.vision.num_heads,
                               files.config.vision.hidden_size / files.config.vision.num_heads);
    return halves_from_pairs(is_q ? text().num_heads : text().num_kv_heads, text().head_dim);
  }
};

}  // namespace

void load_muse_gguf(const MuseGguf& files, WeightLoader& loader, ModelWeights<SpanOps>& weights) {
  visit_weights(weights, files.config, GgufVisitor{files, loader});
  for (int64_t i = 0; i < files.config.text.num_layers; ++i)
    for (const char* norm : {"attn_q_norm", "attn_k_norm"}) loader.skip(cat("blk.", i, ".", norm, ".weight"));
}

}  // namespace melete
