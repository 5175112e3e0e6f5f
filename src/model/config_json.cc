// A ModelConfig as the config.json that transformers reads. Its config classes are strict about types: a
// field declared as a float must be written with a point, which JSON doubles are.
#include <algorithm>

#include "model/config.h"
#include "model/config_fields.h"

namespace melete {
namespace {

Json words(const std::vector<uint8_t>& choices, const char* yes, const char* no) {
  Json list = Json::array();
  for (const uint8_t choice : choices) list.push_back(choice != 0 ? yes : no);
  return list;
}

// null, one id, or a list of them.
Json end_tokens(const std::vector<int64_t>& ids) {
  if (ids.empty()) return Json();
  return ids.size() == 1 ? Json(ids[0]) : Json(ids);
}

Json text_json(const TextConfig& c, bool is_spark) {
  double theta = 0;
  for (const double value : c.rope_theta) theta = std::max(theta, value);
  if (theta == 0) theta = is_spark ? 500000.0 : 10000.0;
  Json j = {{"model_type", is_spark ? "muse_spark_text" : "muse_glimmer_text"},
            {"vocab_size", c.vocab_size},
            {"hidden_size", c.hidden_size},
            {"intermediate_size", c.intermediate_size},
            {"num_hidden_layers", c.num_layers},
            {"num_attention_heads", c.num_heads},
            {"num_key_value_heads", c.num_kv_heads},
            {"head_dim", c.head_dim},
            {is_spark ? "hidden_act" : "hidden_activation", "silu"},
            {"max_position_embeddings", c.max_positions},
            {"sliding_window", c.sliding_window},
            {"layer_types", words(c.is_sliding, "sliding_attention", "full_attention")},
            {"layer_rope_theta", c.rope_theta},
            {"rope_parameters", {{"rope_theta", theta}, {"rope_type", "default"}}},
            {"qk_scale_factor", c.qk_scale},
            {"output_multiplier", c.output_multiplier},
            {"final_logit_softcapping", c.logit_softcap},
            {"rms_norm_eps", c.rms_eps},
            {"post_norm_eps", c.post_norm_eps},
            {"attention_bias", false},
            {"attention_dropout", 0.0},
            {"initializer_range", 0.02},
            {"tie_word_embeddings", false},
            {"use_cache", true},
            {"bos_token_id", optional_id(c.bos_token_id)},
            {"eos_token_id", end_tokens(c.eos_token_ids)},
            {"pad_token_id", nullptr}};
  if (!is_spark) return j;
  j["mlp_layer_types"] = words(c.is_sparse, "sparse", "dense");
  j["residual_gate_temperature"] = c.residual_gate_temperature;
  j["moe_hidden_size"] = c.moe_latent_size;
  j["moe_intermediate_size"] = c.moe_intermediate_size;
  j["num_local_experts"] = c.num_experts;
  j["num_experts_per_tok"] = c.num_experts_per_token;
  j["routed_scaling_factor"] = c.routed_scaling_factor;
  j["output_router_logits"] = false;
  return j;
}

Json vision_json(const VisionConfig& c, bool is_spark) {
  return {{"model_type", is_spark ? "muse_spark_vision" : "muse_glimmer_vision"},
          {"hidden_size", c.hidden_size},
          {"intermediate_size", c.intermediate_size},
          {"num_hidden_layers", c.num_layers},
          {"num_attention_heads", c.num_heads},
          {"hidden_act", "gelu"},
          {"patch_size", c.patch_size},
          {"patch_temporal", c.patch_temporal},
          {"merge_size", c.merge_size},
          {"pos_emb_height", c.table_size},
          {"pos_emb_width", c.table_size},
          {"max_position_embeddings", c.table_size * c.table_size},
          {"layer_types", words(c.is_windowed, "window_attention", "full_attention")},
          {"layer_norm_eps", c.layer_norm_eps},
          {"rope_parameters", {{"rope_theta", c.rope_theta}, {"rope_type", "axial"}}}};
}

Json audio_json(const AudioConfig& c, int64_t text_width) {
  return {{"model_type", "muse_spark_audio"},
          {"patch_sizes", c.patch_sizes},
          {"hidden_sizes", c.hidden_sizes},
          {"depths", c.depths},
          {"num_hidden_layers", c.hidden_sizes.size()},
          {"mlp_ratio", c.mlp_ratio},
          {"conv_kernel_size", c.conv_kernel},
          {"hidden_act", "gelu"},
          {"rms_norm_eps", c.rms_eps},
          {"out_hidden_size", text_width},
          {"initializer_range", 0.02}};
}

}  // namespace

Json to_json(const ModelConfig& config) {
  const bool is_spark = config.is_spark();
  Json j = {{"architectures",
             {is_spark ? "MuseSparkForConditionalGeneration" : "MuseGlimmerForConditionalGeneration"}},
            {"model_type", is_spark ? "muse_spark" : "muse_glimmer"},
            {"dtype", "float32"},
            {"text_config", text_json(config.text, is_spark)}};
  j["vision_config"] = config.has_vision ? vision_json(config.vision, is_spark) : Json();
  if (config.has_vision) {
    j["image_token_id"] = config.image_token_id;
    j["video_token_id"] = config.video_token_id;
    j["out_hidden_size"] = config.vision.merged_size;
    j["projector_hidden_size"] = config.vision.projector_size;
    j["projector_hidden_act"] = "gelu";
  }
  if (is_spark)
    j["audio_config"] = config.has_audio ? audio_json(config.audio, config.text.hidden_size) : Json();
  if (config.has_audio) j["audio_token_id"] = config.audio_token_id;
  return j;
}

}  // namespace melete
