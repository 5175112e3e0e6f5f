// The text decoder of muse_spark and muse_glimmer: one causal stream that mixes text, image, video and audio
// rows.
//
// Sources: rotary positions 2104.09864 §3.4.2 (halves); grouped kv heads 2305.13245; q/k norm 2010.04245 (RMS
// form);
//   gated attention output 2505.06708; residual gates: muse_spark, "Text decoder", step 4.
// Shapes: N rows of all documents, D width, H query heads, G kv heads, K head width, F mlp width.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "model/moe.h"
#include "model/ops.h"
#include "model/weights.h"

namespace melete {

// a_ND -> [N, D]. Spark normalises each head's output before its gate; Glimmer does not.
template <class Ops>
typename Ops::Tensor attention_block(Ops& ops, const AttentionWeights<Ops>& w, const ModelConfig& config,
                                     int64_t layer, typename Ops::Tensor a_ND) {
  const TextConfig& c = config.text;
  const auto i = static_cast<size_t>(layer);
  const AttentionKind kind{layer, c.num_heads, c.num_kv_heads, c.head_dim,
                           c.is_sliding[i] ? c.sliding_window : 0};
  auto [q, k, v, gate] = ops.linears(a_ND, w.q, w.k, w.v, w.gate);
  q = ops.head_rms(q, c.num_heads, c.rms_eps, c.qk_scale);
  k = ops.head_rms(k, c.num_kv_heads, c.rms_eps, 1.0);
  if (c.rope_theta[i] > 0) {
    q = ops.rope(std::move(q), c.num_heads, c.rope_theta[i]);
    k = ops.rope(std::move(k), c.num_kv_heads, c.rope_theta[i]);
  }
  auto o = ops.attention(q, k, v, kind);
  if (config.is_spark()) o = ops.head_rms(o, c.num_heads, c.rms_eps, 1.0);
  return ops.linear(ops.sigmoid_gate(std::move(o), gate), w.out);
}

// x_ND -> [N, D]. Spark's stream keeps its norm: x = alpha x + beta y with beta = sigmoid(g / temperature)
// and alpha = sqrt(max(sigmoid(-g / temperature) (1 + beta), 1e-3)), so alpha^2 + beta^2 = 1.
template <class Ops>
typename Ops::Tensor decoder_layer(Ops& ops, const LayerWeights<Ops>& w, const ModelConfig& config,
                                   int64_t layer, typename Ops::Tensor x) {
  const TextConfig& c = config.text;
  auto y = attention_block(ops, w.attention, config, layer, ops.centered_rms(x, w.attention_norm, c.rms_eps));
  if (config.is_spark())
    x = ops.residual_gate(std::move(x), ops.rms(y, c.post_norm_eps), w.attention_gate,
                          c.residual_gate_temperature);
  else
    x = ops.add(std::move(x), ops.centered_rms(y, w.attention_out_norm, c.post_norm_eps));

  auto m = ops.centered_rms(x, w.mlp_norm, c.rms_eps);
  if (w.is_sparse) {
    y = latent_moe(ops, w.moe, c, m);
  } else {
    auto [gate, up] = ops.linears(m, w.mlp.gate, w.mlp.up);
    y = ops.linear(ops.swiglu(std::move(gate), up), w.mlp.down);
  }
  if (config.is_spark())
    return ops.residual_gate(std::move(x), ops.input_scaled_rms(y, w.mlp_out_norm, c.post_norm_eps),
                             w.mlp_gate, c.residual_gate_temperature);
  return ops.add(std::move(x), ops.centered_rms(y, w.mlp_out_norm, c.post_norm_eps));
}

// All layers: embedded rows x_ND -> hidden rows [N, D], normalised for the head.
template <class Ops>
typename Ops::Tensor decode_rows(Ops& ops, const ModelWeights<Ops>& w, const ModelConfig& config,
                                 typename Ops::Tensor x) {
  for (int64_t i = 0; i < config.text.num_layers; ++i)
    x = decoder_layer(ops, w.layers[static_cast<size_t>(i)], config, i, x);
  return ops.scaled_rms(x, w.final_norm, config.text.rms_eps);
}

// hidden_ND -> capped logits [N, V]: cap tanh(multiplier h W^T / cap).
template <class Ops>
typename Ops::Tensor head_logits(Ops& ops, const ModelWeights<Ops>& w, const ModelConfig& config,
                                 typename Ops::Tensor hidden_ND) {
  return ops.softcap(ops.linear(hidden_ND, w.head), config.text.output_multiplier, config.text.logit_softcap);
}

// ids -> rows x_ND; positions that media fill are overwritten by place_rows afterwards. A placeholder that no
// medium fills (a model may sample one) reads row 0 of the table, as in the reference.
template <class Ops>
typename Ops::Tensor embed_rows(Ops& ops, const ModelWeights<Ops>& w, const ModelConfig& config,
                                std::span<const int32_t> ids) {
  std::vector<int32_t> rows(ids.begin(), ids.end());
  for (int32_t& id : rows)
    if (id == config.image_token_id || id == config.video_token_id || id == config.audio_token_id) id = 0;
  return ops.rms(ops.embed(w.embed, rows), config.text.rms_eps);
}

}  // namespace melete
