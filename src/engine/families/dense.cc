#include "engine/families/dense.h"

#include <cmath>

#include "engine/families/rope.h"

namespace melete {
namespace {

using Vector = std::vector<float>;

struct DenseLayer {
  Vector attention_norm, attention_out_norm, mlp_norm, mlp_out_norm;  // [D]
  WeightMatrix q, k, v, out;                                          // [H*K, D], [G*K, D] twice, [D, H*K]
  Vector q_b, k_b, v_b, out_b;
  Vector q_norm, k_norm;        // [K]
  WeightMatrix gate, up, down;  // [F, D], [F, D], [D, F]
  Vector gate_b, up_b, down_b;
};

struct DenseWeights {
  RowTable embed;  // [V, D]
  WeightMatrix head;
  Vector final_norm;
  std::vector<DenseLayer> layers;
};

// What a weight is called in a file, without ".weight".
struct DenseNames {
  std::string embed, final_norm, head, layer;  // layer: before the layer's number
  const char *attention_norm, *q, *k, *v, *out, *q_norm, *k_norm, *attention_out_norm, *mlp_norm, *gate, *up,
      *down, *mlp_out_norm;
};

DenseNames names_of(const ModelFiles& files, const DenseConfig& c, const std::string& prefix) {
  if (files.is_gguf())
    return {"token_embd", "output_norm", "output",      "blk.",        "attn_norm",    "attn_q",
            "attn_k",     "attn_v",      "attn_output", "attn_q_norm", "attn_k_norm",  "post_attention_norm",
            "ffn_norm",   "ffn_gate",    "ffn_up",      "ffn_down",    "post_ffw_norm"};
  // Without norms after the blocks, the norm before the MLP is the one "after attention".
  return {
      prefix + "embed_tokens",
      prefix + "norm",
      prefix == "model." || prefix.empty() ? "lm_head" : prefix.substr(0, prefix.find("model.")) + "lm_head",
      prefix + "layers.",
      "input_layernorm",
      "self_attn.q_proj",
      "self_attn.k_proj",
      "self_attn.v_proj",
      "self_attn.o_proj",
      "self_attn.q_norm",
      "self_attn.k_norm",
      "post_attention_layernorm",
      c.has_post_norms ? "pre_feedforward_layernorm" : "post_attention_layernorm",
      "mlp.gate_proj",
      "mlp.up_proj",
      "mlp.down_proj",
      "post_feedforward_layernorm"};
}

void load_layer(WeightLoader& loader, const DenseConfig& c, const DenseNames& n, int64_t index,
                DenseLayer& to) {
  const std::string p = cat(n.layer, index, ".");
  const int64_t D = c.width, F = c.mlp_width, HK = c.num_heads * c.head_dim, GK = c.num_kv_heads * c.head_dim;
  const RowOrder q_order = c.rows_are_pairs ? halves_from_pairs(c.num_heads, c.head_dim) : RowOrder();
  const RowOrder k_order = c.rows_are_pairs ? halves_from_pairs(c.num_kv_heads, c.head_dim) : RowOrder();
  const auto norm = [&](const char* name, int64_t size, Vector& vector) {
    loader.vector(cat(p, name, ".weight"), size, vector, c.norm_offset);
  };
  const auto linear = [&](const char* name, int64_t out, int64_t in, WeightMatrix& matrix, bool has_bias,
                          Vector& bias, const RowOrder& order = {}) {
    loader.matrix(cat(p, name, ".weight"), out, in, matrix, WeightLoader::Precision::wanted, order);
    if (has_bias) loader.vector(cat(p, name, ".bias"), out, bias, 0, order);
  };
  norm(n.attention_norm, D, to.attention_norm);
  linear(n.q, HK, D, to.q, c.has_qkv_bias, to.q_b, q_order);
  linear(n.k, GK, D, to.k, c.has_qkv_bias, to.k_b, k_order);
  linear(n.v, GK, D, to.v, c.has_qkv_bias, to.v_b);
  linear(n.out, D, HK, to.out, c.has_out_bias, to.out_b);
  if (c.has_qk_norm) {
    norm(n.q_norm, c.head_dim, to.q_norm);
    norm(n.k_norm, c.head_dim, to.k_norm);
  }
  if (c.has_post_norms) norm(n.attention_out_norm, D, to.attention_out_norm);
  norm(n.mlp_norm, D, to.mlp_norm);
  linear(n.gate, F, D, to.gate, c.has_mlp_bias, to.gate_b);
  linear(n.up, F, D, to.up, c.has_mlp_bias, to.up_b);
  linear(n.down, D, F, to.down, c.has_mlp_bias, to.down_b);
  if (c.has_post_norms) norm(n.mlp_out_norm, D, to.mlp_out_norm);
}

void load_weights(WeightLoader& loader, const DenseConfig& c, const DenseNames& n, DenseWeights& to) {
  loader.stored_rows(n.embed + ".weight", c.vocab_size, c.width, to.embed, /*is_checked=*/c.is_tied);
  to.layers.resize(static_cast<size_t>(c.num_layers));
  for (int64_t i = 0; i < c.num_layers; ++i) load_layer(loader, c, n, i, to.layers[static_cast<size_t>(i)]);
  loader.vector(n.final_norm + ".weight", c.width, to.final_norm, c.norm_offset);
  loader.matrix((c.is_tied ? n.embed : n.head) + ".weight", c.vocab_size, c.width, to.head,
                WeightLoader::Precision::head);
  if (c.is_tied) {
    loader.tie(to.head, to.embed);
    loader.skip(n.head + ".weight");
  }
}

// Tensors that say nothing: rotary frequencies, and the parts of a model that don't serve text.
bool is_ignored(std::string_view name) {
  for (const char* end : {"rotary_emb.inv_freq", "rope_freqs.weight"})
    if (name.ends_with(end)) return true;
  for (const char* part : {"vision_tower.", "multi_modal_projector."})
    if (name.find(part) != std::string_view::npos) return true;
  return false;
}

class DenseDecoder : public Decoder {
 public:
  DenseDecoder(ModelFiles files, DenseConfig config) : files_(std::move(files)), config_(std::move(config)) {
    const DenseConfig& c = config_;
    shape_ = {c.family, c.vocab_size, c.context_length, c.width, {}, {}, KvType::f32};
    for (const int64_t window : c.windows)
      shape_.layers.push_back({{c.num_heads, c.num_kv_heads, c.head_dim}, window});
  }

  Status load(const DenseNames& names, const LoadOptions& options, ThreadPool& pool) {
    MELETE_RETURN_IF_ERROR(load_in_two_steps(
        files_.tensors, options, pool,
        [&](WeightLoader& loader) { load_weights(loader, config_, names, weights_); }, is_ignored));
    shape_.kv_type = kv_type_beside(weights_.layers.at(0).q);
    if (config_.attention_scale > 0)
      query_factor_ =
          static_cast<float>(config_.attention_scale * std::sqrt(static_cast<double>(config_.head_dim)));
    return ok_status();
  }

  const DecoderShape& shape() const override { return shape_; }

  Tensor embed(SpanOps& ops, std::span<const int32_t> ids) const override {
    return scaled(ops.embed(weights_.embed, ids), config_.embedding_scale);
  }

  Tensor layers(SpanOps& ops, Tensor x) const override {
    for (int64_t i = 0; i < config_.num_layers; ++i) x = layer(ops, i, std::move(x));
    return ops.scaled_rms(x, weights_.final_norm, config_.rms_eps);
  }

  Tensor logits(SpanOps& ops, const Tensor& hidden) const override {
    Tensor y = ops.linear(hidden, weights_.head);
    return config_.logit_softcap > 0 ? ops.softcap(y, 1.0, config_.logit_softcap) : y;
  }

 private:
  // x, which nothing else holds, times a number.
  static Tensor scaled(Tensor x, float factor) {
    if (factor == 1) return x;
    for (float& value : x.mutable_values()) value *= factor;
    return x;
  }

  Tensor attend(SpanOps& ops, const DenseLayer& w, int64_t index, const Tensor& a) const {
    const DenseConfig& c = config_;
    const auto i = static_cast<size_t>(index);
    std::array<Tensor, 3> qkv;
    ops.project(a, std::array<SpanOps::Projection, 3>{{{&w.q, &w.q_b}, {&w.k, &w.k_b}, {&w.v, &w.v_b}}}, qkv);
    auto& [q, k, v] = qkv;
    if (c.has_qk_norm) {
      q = ops.head_scaled_rms(q, c.num_heads, w.q_norm, c.rms_eps);
      k = ops.head_scaled_rms(k, c.num_kv_heads, w.k_norm, c.rms_eps);
    }
    const std::vector<float>& frequencies = c.ropes[c.rope_of_layer[i]];
    q = scaled(ops.rope(std::move(q), c.num_heads, frequencies), query_factor_);
    k = ops.rope(std::move(k), c.num_kv_heads, frequencies);
    const AttentionKind kind{index, c.num_heads, c.num_kv_heads, c.head_dim, c.windows[i]};
    return ops.linear(ops.attention(q, k, v, kind), w.out, w.out_b);
  }

  Tensor mlp(SpanOps& ops, const DenseLayer& w, const Tensor& m) const {
    std::array<Tensor, 2> both;
    ops.project(m, std::array<SpanOps::Projection, 2>{{{&w.gate, &w.gate_b}, {&w.up, &w.up_b}}}, both);
    auto& [gate, up] = both;
    const Tensor h =
        config_.uses_gelu ? ops.geglu_tanh(std::move(gate), up) : ops.swiglu(std::move(gate), up);
    return ops.linear(h, w.down, w.down_b);
  }

  Tensor layer(SpanOps& ops, int64_t index, Tensor x) const {
    const DenseConfig& c = config_;
    const DenseLayer& w = weights_.layers[static_cast<size_t>(index)];
    Tensor y = attend(ops, w, index, ops.scaled_rms(x, w.attention_norm, c.rms_eps));
    if (c.has_post_norms) y = ops.scaled_rms(y, w.attention_out_norm, c.rms_eps);
    x = ops.add(std::move(x), y);
    y = mlp(ops, w, ops.scaled_rms(x, w.mlp_norm, c.rms_eps));
    if (c.has_post_norms) y = ops.scaled_rms(y, w.mlp_out_norm, c.rms_eps);
    return ops.add(std::move(x), y);
  }

  ModelFiles files_;  // keeps the map that the token table lies in
  DenseConfig config_;
  DecoderShape shape_;
  DenseWeights weights_;
  float query_factor_ = 1;  // makes attention's 1 / sqrt(K) the model's own scale
};

}  // namespace

Result<std::unique_ptr<Decoder>> load_dense(ModelFiles files, DenseConfig config, const std::string& prefix,
                                            const LoadOptions& options, ThreadPool& pool) {
  if (const std::string problem = config.problem(); !problem.empty())
    return invalid_argument("[", files.config_name(), "] ", problem, "; this model can't be computed here");
  const DenseNames names = names_of(files, config, prefix);
  auto decoder = std::make_unique<DenseDecoder>(std::move(files), std::move(config));
  MELETE_RETURN_IF_ERROR(decoder->load(names, options, pool));
  return std::unique_ptr<Decoder>(std::move(decoder));
}

}  // namespace melete
