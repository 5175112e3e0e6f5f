#include <algorithm>
#include <cmath>

#include "model/gguf_export_parts.h"

namespace melete {
namespace {

void one_plus(std::vector<float>& values) {
  for (float& value : values) value += 1.0f;
}

GgufTensorList::Edit times(double factor) {
  return [factor](std::vector<float>& values) {
    for (float& value : values) value = static_cast<float>(value * factor);
  };
}

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

// The stream's factor and the branch's of a residual gate (model/decoder.h).
GgufTensorList::Edit residual_alpha(double temperature) {
  return [temperature](std::vector<float>& values) {
    for (float& value : values) {
      const double beta = sigmoid(value / temperature);
      value = static_cast<float>(std::sqrt(std::max(sigmoid(-value / temperature) * (1.0 + beta), 1e-3)));
    }
  };
}
GgufTensorList::Edit residual_beta(double temperature) {
  return [temperature](std::vector<float>& values) {
    for (float& value : values) value = static_cast<float>(sigmoid(value / temperature));
  };
}

// Half of the rows of each expert's [2I, M].
GgufTensorList::Edit expert_half(int64_t experts, int64_t half) {
  return [experts, half](std::vector<float>& values) {
    const size_t part = values.size() / static_cast<size_t>(2 * experts);
    for (size_t e = 0; e < static_cast<size_t>(experts); ++e)
      std::copy_n(values.begin() + static_cast<ptrdiff_t>((2 * e + static_cast<size_t>(half)) * part), part,
                  values.begin() + static_cast<ptrdiff_t>(e * part));
    values.resize(values.size() / 2);
  };
}

std::vector<float> identity(int64_t side) {
  std::vector<float> values(static_cast<size_t>(side * side));
  for (int64_t i = 0; i < side; ++i) values[static_cast<size_t>(i * side + i)] = 1.0f;
  return values;
}

// What neither architecture can state.
Status check_decoder(const ModelConfig& config, std::string_view where) {
  const TextConfig& c = config.text;
  double theta = 0;
  for (size_t i = 0; i < c.is_sliding.size(); ++i) {
    const bool same = theta == 0 || c.rope_theta[i] == 0 || c.rope_theta[i] == theta;
    if ((c.is_sliding[i] != 0) != (c.rope_theta[i] > 0) || !same)
      return invalid_argument("[", where, "] layer ", i,
                              " must have one rotary base if it slides and none if it is full, got ",
                              c.is_sliding[i] ? "sliding" : "full", " with ", c.rope_theta[i],
                              "; GGUF's muse architectures can't state it, use safetensors");
    theta = std::max(theta, c.rope_theta[i]);
  }
  const auto sparse = std::count(c.is_sparse.begin(), c.is_sparse.end(), uint8_t{1});
  const bool uniform = sparse == 0 || (config.is_spark() && sparse == c.num_layers);
  if (!uniform)
    return invalid_argument("[", where, "] the layers must be all dense",
                            config.is_spark() ? " or all sparse" : "", ", got ", sparse, " sparse of ",
                            c.num_layers, "; GGUF's muse architectures can't state it, use safetensors");
  return ok_status();
}

void add_fields(const ModelConfig& config, std::vector<GgufField>& fields) {
  const TextConfig& c = config.text;
  const std::string p = config.is_spark() ? "muse-spark." : "muse-glimmer.";
  const auto count = [&](const std::string& key, int64_t value) {
    fields.push_back({p + key, static_cast<uint32_t>(value)});
  };
  const auto number = [&](const std::string& key, double value) {
    fields.push_back({p + key, static_cast<float>(value)});
  };
  count("context_length", c.max_positions);
  count("embedding_length", c.hidden_size);
  count("block_count", c.num_layers);
  count("feed_forward_length", c.intermediate_size);
  count("attention.head_count", c.num_heads);
  count("attention.head_count_kv", c.num_kv_heads);
  count("attention.key_length", c.head_dim);
  count("attention.value_length", c.head_dim);
  count("rope.dimension_count", c.head_dim);
  count("vocab_size", c.vocab_size);
  count("attention.sliding_window", c.sliding_window);
  fields.push_back(
      {p + "attention.sliding_window_pattern", std::vector<bool>(c.is_sliding.begin(), c.is_sliding.end())});
  const double theta = *std::max_element(c.rope_theta.begin(), c.rope_theta.end());
  number("rope.freq_base", theta > 0 ? theta : 10000);
  number("rope.freq_base_swa", theta > 0 ? theta : 10000);
  number("attention.layer_norm_rms_epsilon", c.rms_eps);
  number("final_logit_softcapping", c.logit_softcap);
  number("logit_scale", c.output_multiplier);
  if (!config.is_spark()) return;
  const bool sparse = c.is_sparse[0] != 0;
  number("post_norm_epsilon", c.post_norm_eps);
  count("expert_count", sparse ? c.num_experts : 1);
  count("expert_used_count", sparse ? c.num_experts_per_token : 1);
  count("expert_feed_forward_length", sparse ? c.moe_intermediate_size : c.intermediate_size);
  count("moe_latent_size", sparse ? c.moe_latent_size : c.hidden_size);
  number("expert_weights_scale", sparse ? c.routed_scaling_factor : 1.0);
  count("expert_gating_func", 2);  // sigmoid
  fields.push_back({p + "expert_weights_norm", true});
}

class LayerWriter {
 public:
  LayerWriter(const ModelConfig& config, int64_t index, GgufTensorList& tensors)
      : config_(config),
        c_(config.text),
        from_(cat("model.language_model.layers.", index, ".")),
        to_(cat("blk.", index, ".")),
        tensors_(tensors) {}

  void write() {
    attention();
    if (!config_.is_spark()) {
      tensors_.plain(to_ + "post_attention_norm.weight", from_ + "post_attention_layernorm.weight", one_plus);
    } else {
      gate("attn_resid", "post_attention_residual_gate.gate");
      gate("ffn_resid", "post_feedforward_residual_gate.gate");
    }
    tensors_.plain(to_ + "post_ffw_norm.weight", from_ + "post_feedforward_layernorm.weight", one_plus);
    const bool sparse = c_.is_sparse.at(0) != 0;
    if (sparse)
      experts();
    else if (config_.is_spark())
      dense_as_expert();
    else
      dense();
  }

 private:
  void attention() {
    tensors_.plain(to_ + "attn_norm.weight", from_ + "input_layernorm.weight", one_plus);
    tensors_.matrix(to_ + "attn_q.weight", from_ + "self_attn.q_proj.weight",
                    pairs_from_halves(c_.num_heads, c_.hidden_size));
    tensors_.matrix(to_ + "attn_k.weight", from_ + "self_attn.k_proj.weight",
                    pairs_from_halves(c_.num_kv_heads, c_.hidden_size));
    tensors_.matrix(to_ + "attn_v.weight", from_ + "self_attn.v_proj.weight");
    tensors_.fine_matrix(to_ + "attn_gate.weight", from_ + "self_attn.gate_proj.weight");
    tensors_.matrix(to_ + "attn_output.weight", from_ + "self_attn.o_proj.weight");
    const auto width = static_cast<size_t>(c_.head_dim);
    tensors_.values(to_ + "attn_q_norm.weight", {c_.head_dim},
                    std::vector<float>(width, static_cast<float>(c_.qk_scale)));
    tensors_.values(to_ + "attn_k_norm.weight", {c_.head_dim}, std::vector<float>(width, 1.0f));
  }

  void gate(const std::string& name, const std::string& from) {
    tensors_.plain(to_ + name + "_alpha.weight", from_ + from, residual_alpha(c_.residual_gate_temperature));
    tensors_.plain(to_ + name + "_beta.weight", from_ + from, residual_beta(c_.residual_gate_temperature));
  }

  void dense() {
    tensors_.plain(to_ + "ffn_norm.weight", from_ + "pre_feedforward_layernorm.weight", one_plus);
    tensors_.matrix(to_ + "ffn_gate.weight", from_ + "mlp.gate_proj.weight");
    tensors_.matrix(to_ + "ffn_up.weight", from_ + "mlp.up_proj.weight");
    tensors_.matrix(to_ + "ffn_down.weight", from_ + "mlp.down_proj.weight");
  }

  // One expert, always chosen with weight 1. The latent space is the stream itself and its norm the MLP's;
  // the norm of the expert's output changes nothing, as the MLP's output is normalised again.
  void dense_as_expert() {
    const int64_t D = c_.hidden_size, F = c_.intermediate_size;
    const std::vector<float> ones(static_cast<size_t>(D), 1.0f);
    tensors_.values(to_ + "ffn_norm.weight", {D}, ones);
    tensors_.plain(to_ + "ffn_pre_exp_norm.weight", from_ + "pre_feedforward_layernorm.weight", one_plus);
    tensors_.values(to_ + "ffn_post_exp_norm.weight", {D}, ones);
    tensors_.values(to_ + "ffn_gate_inp.weight", {1, D}, std::vector<float>(static_cast<size_t>(D)));
    tensors_.values(to_ + "exp_probs_b.bias", {1}, {0.0f});
    tensors_.values(to_ + "ffn_latent_down.weight", {D, D}, identity(D));
    tensors_.values(to_ + "ffn_latent_up.weight", {D, D}, identity(D));
    tensors_.matrix_as(to_ + "ffn_gate_exps.weight", {1, F, D}, from_ + "mlp.gate_proj.weight", {});
    tensors_.matrix_as(to_ + "ffn_up_exps.weight", {1, F, D}, from_ + "mlp.up_proj.weight", {});
    tensors_.matrix_as(to_ + "ffn_down_exps.weight", {1, D, F}, from_ + "mlp.down_proj.weight", {});
  }

  void experts() {
    const int64_t E = c_.num_experts, M = c_.moe_latent_size, I = c_.moe_intermediate_size;
    tensors_.plain(to_ + "ffn_norm.weight", from_ + "pre_feedforward_layernorm.weight", one_plus);
    tensors_.plain(to_ + "ffn_gate_inp.weight", from_ + "mlp.gate.weight", times(c_.output_multiplier));
    tensors_.plain(to_ + "exp_probs_b.bias", from_ + "mlp.gate.e_score_correction_bias");
    tensors_.fine_matrix(to_ + "ffn_latent_down.weight", from_ + "mlp.pre_expert_proj.weight");
    tensors_.fine_matrix(to_ + "ffn_latent_up.weight", from_ + "mlp.post_expert_proj.weight");
    tensors_.plain(to_ + "ffn_pre_exp_norm.weight", from_ + "mlp.pre_expert_norm.weight", one_plus);
    tensors_.plain(to_ + "ffn_post_exp_norm.weight", from_ + "mlp.experts.post_expert_norm.weight", one_plus);
    const std::string both = from_ + "mlp.experts.gate_up_proj";
    tensors_.matrix_as(to_ + "ffn_gate_exps.weight", {E, I, M}, both, expert_half(E, 0));
    tensors_.matrix_as(to_ + "ffn_up_exps.weight", {E, I, M}, both, expert_half(E, 1));
    tensors_.matrix(to_ + "ffn_down_exps.weight", from_ + "mlp.experts.down_proj");
  }

  const ModelConfig& config_;
  const TextConfig& c_;
  const std::string from_, to_;
  GgufTensorList& tensors_;
};

}  // namespace

Status add_decoder(const Checkpoint& model, std::string_view where, std::vector<GgufField>& fields,
                   GgufTensorList& tensors) {
  MELETE_RETURN_IF_ERROR(check_decoder(model.config, where));
  add_fields(model.config, fields);
  tensors.fine_matrix("token_embd.weight", "model.language_model.embed_tokens.weight");
  tensors.plain("output_norm.weight", "model.language_model.norm.weight");
  tensors.fine_matrix("output.weight", "lm_head.weight");
  for (int64_t i = 0; i < model.config.text.num_layers; ++i) LayerWriter(model.config, i, tensors).write();
  return ok_status();
}

}  // namespace melete
