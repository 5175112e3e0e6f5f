#include "model/config.h"

#include <algorithm>

#include "model/config_fields.h"
#include "model/config_limits.h"

namespace melete {
namespace {

constexpr size_t kMaxConfigBytes = size_t{4} << 20;

using Value = nlohmann::json;

// A count of layers that is safe to size lists with; a bad one is reported at once and read as 0.
int64_t layer_count(ConfigFields& fields, int64_t fallback) {
  const int64_t count = fields.integer("num_hidden_layers", fallback);
  if (count >= 1 && count <= kMaxLayers) return count;
  fields.wrong("num_hidden_layers", cat("between 1 and ", kMaxLayers), count);
  return 0;
}

// The layers that attend to everything without RoPE: every fourth, counted backward from the last.
std::vector<uint8_t> default_sliding(int64_t layers) {
  std::vector<uint8_t> sliding;
  for (int64_t i = 0; i < layers; ++i) sliding.push_back((layers - 1 - i) % 4 != 0);
  return sliding;
}

std::vector<uint8_t> default_windowed(int64_t layers) {
  std::vector<uint8_t> windowed;
  for (int64_t i = 0; i < layers; ++i) windowed.push_back((i + 1) % 4 != 0 && i != layers - 1);
  return windowed;
}

// rope_parameters (or the older bare rope_theta) must be of `type`; returns its theta.
double rope_theta(ConfigFields& fields, const char* type, double fallback, const std::string& path,
                  std::string& problem) {
  const double bare = fields.number("rope_theta", fallback);
  const Value* rope = fields.given("rope_parameters");
  if (rope == nullptr) return bare;
  if (!rope->is_object()) return fields.wrong("rope_parameters", "an object", *rope), fallback;
  ConfigFields inner(*rope, path + "rope_parameters.", problem);
  inner.require("rope_type", type);
  return inner.number("rope_theta", bare);
}

// The reference turns every layer whose layer_rope_theta isn't 0 by the one theta of rope_parameters, so that
// is what the list becomes here.
std::vector<double> layer_thetas(ConfigFields& fields, int64_t layers, double theta) {
  std::vector<double> fallback;
  for (const uint8_t sliding : default_sliding(layers)) fallback.push_back(sliding ? theta : 0);
  std::vector<double> thetas = fields.numbers("layer_rope_theta", std::move(fallback));
  for (double& value : thetas) value = value == 0 ? 0 : theta;
  return thetas;
}

std::vector<int64_t> end_tokens(ConfigFields& fields) {
  const Value* value = fields.find("eos_token_id");
  if (value != nullptr && value->is_null()) return {};
  if (value != nullptr && value->is_array()) return fields.integers("eos_token_id", {});
  return {fields.integer("eos_token_id", 200001)};
}

TextConfig read_text(const Value& object, bool is_spark, std::string& problem) {
  ConfigFields f(object, "text_config.", problem);
  TextConfig c;
  f.require("attention_bias", false);
  f.require("tie_word_embeddings", false);
  f.require(is_spark ? "hidden_act" : "hidden_activation", "silu");
  c.vocab_size = f.integer("vocab_size", 202048);
  c.hidden_size = f.integer("hidden_size", is_spark ? 8192 : 6656);
  c.intermediate_size = f.integer("intermediate_size", is_spark ? 16384 : 19968);
  c.num_layers = layer_count(f, is_spark ? 62 : 52);
  c.num_heads = f.integer("num_attention_heads", is_spark ? 128 : 32);
  c.num_kv_heads = f.integer("num_key_value_heads", is_spark ? 16 : 2);
  c.head_dim = f.integer("head_dim", is_spark ? 64 : 128);
  c.max_positions = f.integer("max_position_embeddings", is_spark ? 1048576 : 131072);
  c.sliding_window = f.integer("sliding_window", 2048);
  c.is_sliding =
      f.choices("layer_types", default_sliding(c.num_layers), "sliding_attention", "full_attention");
  const double theta = rope_theta(f, "default", is_spark ? 500000.0 : 10000.0, "text_config.", problem);
  c.rope_theta = layer_thetas(f, c.num_layers, theta);
  c.qk_scale = f.number("qk_scale_factor", is_spark ? 5.4730064863875 : 3.87);
  c.output_multiplier = f.number("output_multiplier", is_spark ? 0.1767766952966369 : 0.19611613513818404);
  c.logit_softcap = f.number("final_logit_softcapping", 20.0);
  c.rms_eps = f.number("rms_norm_eps", 1e-5);
  c.post_norm_eps = f.number("post_norm_eps", 1e-8);
  c.bos_token_id = f.find("bos_token_id") != nullptr ? f.integer("bos_token_id", -1) : 200000;
  c.eos_token_ids = end_tokens(f);
  c.is_sparse.assign(static_cast<size_t>(c.num_layers), 0);
  if (!is_spark) return c;
  c.is_sparse = f.choices("mlp_layer_types", std::vector<uint8_t>(c.is_sparse.size(), 1), "sparse", "dense");
  c.residual_gate_temperature = f.number("residual_gate_temperature", 0.3);
  c.moe_latent_size = f.integer("moe_hidden_size", 4096);
  c.moe_intermediate_size = f.integer("moe_intermediate_size", 4096);
  c.num_experts = f.integer("num_local_experts", 256);
  c.num_experts_per_token = f.integer("num_experts_per_tok", 8);
  c.routed_scaling_factor = f.number("routed_scaling_factor", 1.0);
  return c;
}

VisionConfig read_vision(const Value& object, ConfigFields& top, std::string& problem) {
  ConfigFields f(object, "vision_config.", problem);
  VisionConfig c;
  f.require("hidden_act", "gelu");
  top.require("projector_hidden_act", "gelu");
  c.hidden_size = f.integer("hidden_size", 1536);
  c.intermediate_size = f.integer("intermediate_size", 8960);
  c.num_layers = layer_count(f, 50);
  c.num_heads = f.integer("num_attention_heads", 16);
  c.patch_size = f.integer("patch_size", 14);
  c.patch_temporal = f.integer("patch_temporal", 2);
  c.merge_size = f.integer("merge_size", 2);
  c.table_size = f.integer("pos_emb_height", 32);
  if (const int64_t width = f.integer("pos_emb_width", 32); width != c.table_size)
    f.wrong("pos_emb_width", cat("pos_emb_height=", c.table_size), width);
  c.is_windowed =
      f.choices("layer_types", default_windowed(c.num_layers), "window_attention", "full_attention");
  c.layer_norm_eps = f.number("layer_norm_eps", 1e-5);
  c.rope_theta = rope_theta(f, "axial", 10000.0, "vision_config.", problem);
  c.merged_size = top.integer("out_hidden_size", 6144);
  c.projector_size = top.integer("projector_hidden_size", 4096);
  return c;
}

AudioConfig read_audio(const Value& object, std::string& problem) {
  ConfigFields f(object, "audio_config.", problem);
  AudioConfig c;
  f.require("hidden_act", "gelu");
  c.patch_sizes = f.integers("patch_sizes", {16, 6, 5, 4});
  c.hidden_sizes = f.integers("hidden_sizes", {256, 512, 1024, 2048});
  c.depths = f.integers("depths", {2, 2, 2, 2});
  c.mlp_ratio = f.number("mlp_ratio", 4.0);
  c.conv_kernel = f.integer("conv_kernel_size", 7);
  c.rms_eps = f.number("rms_norm_eps", 1e-6);
  if (const int64_t stages = f.integer("num_hidden_layers", 4);
      stages != static_cast<int64_t>(c.hidden_sizes.size()))
    f.wrong("num_hidden_layers", cat("the number of hidden_sizes, ", c.hidden_sizes.size()), stages);
  return c;
}

// A tower's object: absent is the reference's default tower; null is a model without it, an extension of
// ours.
struct Section {
  bool present = true;
  Value object = Value::object();
};

Section read_section(ConfigFields& top, const char* name) {
  const Value* value = top.find(name);
  if (value == nullptr) return {};
  if (value->is_null()) return {false, Value::object()};
  if (!value->is_object()) {
    top.wrong(name, "an object", *value);
    return {};
  }
  return {true, *value};
}

ModelConfig read_model(const Value& object, Architecture architecture, std::string& problem) {
  ModelConfig c;
  c.architecture = architecture;
  ConfigFields top(object, "", problem);
  top.require("tie_word_embeddings", false);
  c.text = read_text(read_section(top, "text_config").object, c.is_spark(), problem);
  const Section vision = read_section(top, "vision_config");
  c.has_vision = vision.present;
  if (c.has_vision) {
    c.vision = read_vision(vision.object, top, problem);
    c.image_token_id = top.integer("image_token_id", 200092);
    c.video_token_id = top.integer("video_token_id", 200091);
  }
  const Section audio = c.is_spark() ? read_section(top, "audio_config") : Section{false, {}};
  c.has_audio = audio.present;
  if (c.has_audio) {
    c.audio = read_audio(audio.object, problem);
    c.audio_token_id = top.integer("audio_token_id", 200038);
  }
  return c;
}

// The audio tower writes rows of the decoder's stream; its width is stated twice.
void check_audio_width(const Value& object, const ModelConfig& config, std::string& problem) {
  ConfigFields top(object, "", problem);
  const Section audio = read_section(top, "audio_config");
  ConfigFields fields(audio.object, "audio_config.", problem);
  const int64_t width = fields.integer("out_hidden_size", 8192);
  if (width != config.text.hidden_size)
    fields.wrong("out_hidden_size", cat("text_config.hidden_size=", config.text.hidden_size), width);
}

Result<Value> parse_object(std::string_view text, std::string_view where) {
  if (text.size() > kMaxConfigBytes)
    return exhausted("[", where, "] must be at most ", kMaxConfigBytes, " bytes, got ", text.size(),
                     "; check the file");
  const Value value = Value::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded())
    return corrupt("[", where, "] must be valid JSON in UTF-8, got something else; check the file");
  if (!value.is_object())
    return corrupt("[", where, "] must be a JSON object, got ", value.type_name(), "; check the file");
  return value;
}

}  // namespace

Result<ModelConfig> parse_model_config(std::string_view config_json, std::string_view where) {
  MELETE_ASSIGN_OR_RETURN(const Value object, parse_object(config_json, where));
  const auto type = object.find("model_type");
  const bool is_spark = type != object.end() && *type == "muse_spark";
  const bool is_glimmer = type != object.end() && *type == "muse_glimmer";
  std::string problem;
  ConfigFields top(object, "", problem);
  if (!is_spark && !is_glimmer)
    top.wrong("model_type", "\"muse_spark\" or \"muse_glimmer\"", type != object.end() ? *type : Value());
  ModelConfig config;
  if (problem.empty())
    config = read_model(object, is_spark ? Architecture::muse_spark : Architecture::muse_glimmer, problem);
  if (problem.empty()) problem = config.problem();
  if (problem.empty() && config.has_audio) check_audio_width(object, config, problem);
  if (!problem.empty())
    return invalid_argument("[", where, "] ", problem, "; this model can't be computed here");
  return config;
}

}  // namespace melete
