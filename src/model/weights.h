// The weights of a model, with their names in a checkpoint, shapes and roles in one list: visit_weights().
//
// Names are Hugging Face's (muse_spark, "Tensor names"). D width, H query heads, G kv heads, K head width, F
// mlp width, E experts, M latent width, I expert width, C a tower's width. A matrix is [out, in].
#pragma once

#include <string>
#include <vector>

#include "base/check.h"
#include "model/config.h"

namespace melete {

// What a weight is for: decides its start value, its optimizer and its precision on disk.
enum class WeightRole {
  embedding,      // token table
  head,           // token logits
  matrix,         // hidden projection
  expert_matrix,  // [E, out, in]
  router,         // kept float32 on disk
  router_bias,    // balanced during training, no gradient; kept float32 on disk
  norm_offset,    // used as 1 + w; starts at 0
  norm_scale,     // used as w; starts at 1
  residual_gate,
  bias,
  conv,  // [C, 1, taps]
  position_table,
};

struct WeightSpec {
  std::string name;
  std::vector<int64_t> shape;
  WeightRole role;
};

template <class Ops>
struct AttentionWeights {
  typename Ops::Matrix q, k, v, gate, out;  // [H*K, D], [G*K, D], [G*K, D], [H*K, D], [D, H*K]
};

template <class Ops>
struct MlpWeights {
  typename Ops::Matrix gate, up, down;  // [F, D], [F, D], [D, F]
};

template <class Ops>
struct MoeWeights {
  typename Ops::Matrix router;                 // [E, D]
  typename Ops::Vector selection_bias;         // [E]
  typename Ops::Matrix latent_in, latent_out;  // [M, D], [D, M]
  typename Ops::Vector latent_norm;            // [M]
  typename Ops::Experts experts;               // gate_up [E, 2I, M], down [E, M, I], norm [M]
};

template <class Ops>
struct LayerWeights {
  typename Ops::Vector attention_norm, mlp_norm, mlp_out_norm;  // [D]
  typename Ops::Vector attention_out_norm;                      // [D], glimmer only
  typename Ops::Vector attention_gate, mlp_gate;                // [D], spark only
  AttentionWeights<Ops> attention;
  bool is_sparse = false;
  MlpWeights<Ops> mlp;  // if !is_sparse
  MoeWeights<Ops> moe;  // if is_sparse
};

template <class Ops>
struct VisionLayerWeights {
  typename Ops::Vector norm1_w, norm1_b, norm2_w, norm2_b;
  typename Ops::Matrix q, k, v, out, fc1, fc2;
  typename Ops::Vector q_b, k_b, v_b, out_b, fc1_b, fc2_b;
};

template <class Ops>
struct VisionWeights {
  typename Ops::Matrix patch;     // [C, 1176]
  typename Ops::Table positions;  // [P*P, C]
  typename Ops::Vector pre_w, pre_b, post_w, post_b;
  std::vector<VisionLayerWeights<Ops>> layers;
  typename Ops::Matrix adapter1, adapter2, projection;
};

template <class Ops>
struct AudioBlockWeights {
  typename Ops::Kernel conv;  // [C, 1, 7]
  typename Ops::Vector conv_b, norm, fc1_b, fc2_b;
  typename Ops::Matrix fc1, fc2;
};

template <class Ops>
struct AudioStageWeights {
  typename Ops::Matrix patch;
  typename Ops::Vector patch_b, patch_norm;
  std::vector<AudioBlockWeights<Ops>> blocks;
};

template <class Ops>
struct AudioWeights {
  std::vector<AudioStageWeights<Ops>> stages;
  typename Ops::Vector norm, projection_b, post_norm;
  typename Ops::Matrix projection;
};

template <class Ops>
struct ModelWeights {
  typename Ops::Table embed;        // [V, D]
  typename Ops::Matrix head;        // [V, D]
  typename Ops::Vector final_norm;  // [D], used as is
  std::vector<LayerWeights<Ops>> layers;
  VisionWeights<Ops> vision;
  AudioWeights<Ops> audio;
};

namespace internal {

template <class Ops, class Visitor>
void visit_layer(LayerWeights<Ops>& w, const ModelConfig& config, int64_t index, Visitor&& visit) {
  const TextConfig& c = config.text;
  const std::string p = cat("model.language_model.layers.", index, ".");
  const int64_t D = c.hidden_size, HK = c.num_heads * c.head_dim, GK = c.num_kv_heads * c.head_dim;
  w.is_sparse = c.is_sparse[static_cast<size_t>(index)] != 0;
  visit({p + "input_layernorm.weight", {D}, WeightRole::norm_offset}, w.attention_norm);
  visit({p + "self_attn.q_proj.weight", {HK, D}, WeightRole::matrix}, w.attention.q);
  visit({p + "self_attn.k_proj.weight", {GK, D}, WeightRole::matrix}, w.attention.k);
  visit({p + "self_attn.v_proj.weight", {GK, D}, WeightRole::matrix}, w.attention.v);
  visit({p + "self_attn.gate_proj.weight", {HK, D}, WeightRole::matrix}, w.attention.gate);
  visit({p + "self_attn.o_proj.weight", {D, HK}, WeightRole::matrix}, w.attention.out);
  if (config.is_spark()) {
    visit({p + "post_attention_residual_gate.gate", {D}, WeightRole::residual_gate}, w.attention_gate);
    visit({p + "post_feedforward_residual_gate.gate", {D}, WeightRole::residual_gate}, w.mlp_gate);
  } else {
    visit({p + "post_attention_layernorm.weight", {D}, WeightRole::norm_offset}, w.attention_out_norm);
  }
  visit({p + "pre_feedforward_layernorm.weight", {D}, WeightRole::norm_offset}, w.mlp_norm);
  visit({p + "post_feedforward_layernorm.weight", {D}, WeightRole::norm_offset}, w.mlp_out_norm);
  if (w.is_sparse) {
    const int64_t E = c.num_experts, M = c.moe_latent_size, I = c.moe_intermediate_size;
    visit({p + "mlp.gate.weight", {E, D}, WeightRole::router}, w.moe.router);
    visit({p + "mlp.gate.e_score_correction_bias", {E}, WeightRole::router_bias}, w.moe.selection_bias);
    visit({p + "mlp.pre_expert_proj.weight", {M, D}, WeightRole::matrix}, w.moe.latent_in);
    visit({p + "mlp.pre_expert_norm.weight", {M}, WeightRole::norm_offset}, w.moe.latent_norm);
    visit({p + "mlp.experts.gate_up_proj", {E, 2 * I, M}, WeightRole::expert_matrix}, w.moe.experts.gate_up);
    visit({p + "mlp.experts.down_proj", {E, M, I}, WeightRole::expert_matrix}, w.moe.experts.down);
    visit({p + "mlp.experts.post_expert_norm.weight", {M}, WeightRole::norm_offset}, w.moe.experts.norm);
    visit({p + "mlp.post_expert_proj.weight", {D, M}, WeightRole::matrix}, w.moe.latent_out);
  } else {
    visit({p + "mlp.gate_proj.weight", {c.intermediate_size, D}, WeightRole::matrix}, w.mlp.gate);
    visit({p + "mlp.up_proj.weight", {c.intermediate_size, D}, WeightRole::matrix}, w.mlp.up);
    visit({p + "mlp.down_proj.weight", {D, c.intermediate_size}, WeightRole::matrix}, w.mlp.down);
  }
}

template <class Ops, class Visitor>
void visit_vision_layer(VisionLayerWeights<Ops>& w, const VisionConfig& c, const std::string& p,
                        Visitor&& visit) {
  const int64_t C = c.hidden_size, F = c.intermediate_size;
  visit({p + "norm1.weight", {C}, WeightRole::norm_scale}, w.norm1_w);
  visit({p + "norm1.bias", {C}, WeightRole::bias}, w.norm1_b);
  visit({p + "attn.q_proj.weight", {C, C}, WeightRole::matrix}, w.q);
  visit({p + "attn.q_proj.bias", {C}, WeightRole::bias}, w.q_b);
  visit({p + "attn.k_proj.weight", {C, C}, WeightRole::matrix}, w.k);
  visit({p + "attn.k_proj.bias", {C}, WeightRole::bias}, w.k_b);
  visit({p + "attn.v_proj.weight", {C, C}, WeightRole::matrix}, w.v);
  visit({p + "attn.v_proj.bias", {C}, WeightRole::bias}, w.v_b);
  visit({p + "attn.proj.weight", {C, C}, WeightRole::matrix}, w.out);
  visit({p + "attn.proj.bias", {C}, WeightRole::bias}, w.out_b);
  visit({p + "norm2.weight", {C}, WeightRole::norm_scale}, w.norm2_w);
  visit({p + "norm2.bias", {C}, WeightRole::bias}, w.norm2_b);
  visit({p + "mlp.fc1.weight", {F, C}, WeightRole::matrix}, w.fc1);
  visit({p + "mlp.fc1.bias", {F}, WeightRole::bias}, w.fc1_b);
  visit({p + "mlp.fc2.weight", {C, F}, WeightRole::matrix}, w.fc2);
  visit({p + "mlp.fc2.bias", {C}, WeightRole::bias}, w.fc2_b);
}

template <class Ops, class Visitor>
void visit_vision(VisionWeights<Ops>& w, const ModelConfig& config, Visitor&& visit) {
  const VisionConfig& c = config.vision;
  const int64_t C = c.hidden_size, A = c.projector_size;
  const std::string p = "model.vision_tower.";
  visit({p + "patch_embedder.patch_embedding.weight", {C, c.patch_width()}, WeightRole::matrix}, w.patch);
  visit({p + "patch_embedder.position_embedding_table.weight",
         {c.table_size * c.table_size, C},
         WeightRole::position_table},
        w.positions);
  visit({p + "ln_pre.weight", {C}, WeightRole::norm_scale}, w.pre_w);
  visit({p + "ln_pre.bias", {C}, WeightRole::bias}, w.pre_b);
  w.layers.resize(static_cast<size_t>(c.num_layers));
  for (int64_t i = 0; i < c.num_layers; ++i)
    visit_vision_layer(w.layers[static_cast<size_t>(i)], c, cat(p, "layers.", i, "."), visit);
  visit({p + "ln_post.weight", {C}, WeightRole::norm_scale}, w.post_w);
  visit({p + "ln_post.bias", {C}, WeightRole::bias}, w.post_b);
  visit({"model.vision_adapter.fc1.weight", {A, c.merged_size}, WeightRole::matrix}, w.adapter1);
  visit({"model.vision_adapter.fc2.weight", {A, A}, WeightRole::matrix}, w.adapter2);
  visit({"model.vision_projection.weight", {config.text.hidden_size, A}, WeightRole::matrix}, w.projection);
}

template <class Ops, class Visitor>
void visit_audio(AudioWeights<Ops>& w, const ModelConfig& config, Visitor&& visit) {
  const AudioConfig& c = config.audio;
  w.stages.resize(c.hidden_sizes.size());
  int64_t channels = 1;
  for (size_t s = 0; s < w.stages.size(); ++s) {
    auto& stage = w.stages[s];
    const int64_t C = c.hidden_sizes[s], F = static_cast<int64_t>(static_cast<double>(C) * c.mlp_ratio);
    const std::string p = cat("model.audio_tower.layers.", s, ".");
    visit({p + "patch_embedder.proj.weight", {C, channels * c.patch_sizes[s]}, WeightRole::matrix},
          stage.patch);
    visit({p + "patch_embedder.proj.bias", {C}, WeightRole::bias}, stage.patch_b);
    visit({p + "patch_embedder.norm.weight", {C}, WeightRole::norm_scale}, stage.patch_norm);
    stage.blocks.resize(static_cast<size_t>(c.depths[s]));
    for (size_t b = 0; b < stage.blocks.size(); ++b) {
      auto& block = stage.blocks[b];
      const std::string q = cat(p, "conv_blocks.", b, ".");
      visit({q + "conv.weight", {C, 1, c.conv_kernel}, WeightRole::conv}, block.conv);
      visit({q + "conv.bias", {C}, WeightRole::bias}, block.conv_b);
      visit({q + "norm.weight", {C}, WeightRole::norm_scale}, block.norm);
      visit({q + "mlp.fc1.weight", {F, C}, WeightRole::matrix}, block.fc1);
      visit({q + "mlp.fc1.bias", {F}, WeightRole::bias}, block.fc1_b);
      visit({q + "mlp.fc2.weight", {C, F}, WeightRole::matrix}, block.fc2);
      visit({q + "mlp.fc2.bias", {C}, WeightRole::bias}, block.fc2_b);
    }
    channels = C;
  }
  const int64_t D = config.text.hidden_size;
  visit({"model.audio_tower.norm.weight", {channels}, WeightRole::norm_scale}, w.norm);
  visit({"model.audio_tower.proj.weight", {D, channels}, WeightRole::matrix}, w.projection);
  visit({"model.audio_tower.proj.bias", {D}, WeightRole::bias}, w.projection_b);
  visit({"model.audio_tower.post_proj_norm.weight", {D}, WeightRole::norm_scale}, w.post_norm);
}

}  // namespace internal

// Calls visit(WeightSpec, field) for every weight of the model, sizing the lists of layers first. The one
// list of names and shapes: loading, saving, start values and optimizers all walk it. CHECKs nothing:
// config.problem() is empty.
template <class Ops, class Visitor>
void visit_weights(ModelWeights<Ops>& w, const ModelConfig& config, Visitor&& visit) {
  const TextConfig& c = config.text;
  visit({"model.language_model.embed_tokens.weight", {c.vocab_size, c.hidden_size}, WeightRole::embedding},
        w.embed);
  w.layers.resize(static_cast<size_t>(c.num_layers));
  for (int64_t i = 0; i < c.num_layers; ++i)
    internal::visit_layer(w.layers[static_cast<size_t>(i)], config, i, visit);
  visit({"model.language_model.norm.weight", {c.hidden_size}, WeightRole::norm_scale}, w.final_norm);
  if (config.has_vision) internal::visit_vision(w.vision, config, visit);
  if (config.has_audio) internal::visit_audio(w.audio, config, visit);
  visit({"lm_head.weight", {c.vocab_size, c.hidden_size}, WeightRole::head}, w.head);
}

// The list alone, in visiting order.
std::vector<WeightSpec> weight_specs(const ModelConfig& config);

}  // namespace melete
