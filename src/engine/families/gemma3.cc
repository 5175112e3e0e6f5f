// gemma3 (2503.19786), the text model: rows times sqrt(D), norms around both blocks, five layers with a
// window and their own rope for each that sees everything.
#include <cmath>

#include "engine/families/dense.h"
#include "engine/families/rope.h"
#include "model/config_fields.h"

namespace melete {
namespace {

constexpr int64_t kPattern = 6;  // every sixth layer sees everything
constexpr double kLocalTheta = 10000;

enum Rope : uint8_t { kGlobal, kLocal };

void use_layers(DenseConfig& c, const std::vector<uint8_t>& is_sliding, int64_t window) {
  for (const uint8_t sliding : is_sliding) {
    c.windows.push_back(sliding != 0 ? window : 0);
    c.rope_of_layer.push_back(sliding != 0 ? kLocal : kGlobal);
  }
}

std::vector<uint8_t> sliding_layers(int64_t layers, int64_t pattern) {
  std::vector<uint8_t> sliding;
  for (int64_t i = 0; i < layers; ++i) sliding.push_back(pattern > 0 && (i + 1) % pattern != 0);
  return sliding;
}

void use_form(DenseConfig& c) {
  c.has_qk_norm = c.has_post_norms = c.uses_gelu = true;
  c.embedding_scale = std::sqrt(static_cast<float>(c.width));
}

// The text model's part of config.json, which is all of it in a model without a vision tower.
const nlohmann::json& text_part(const ModelFiles& files) {
  const auto part = files.config.find("text_config");
  return part != files.config.end() && part->is_object() ? *part : files.config;
}

// What the reference takes where a multimodal config.json leaves a field out.
nlohmann::json with_defaults(const nlohmann::json& text) {
  nlohmann::json filled = {{"vocab_size", 262208},      {"hidden_size", 2304},
                           {"intermediate_size", 9216}, {"num_hidden_layers", 26},
                           {"num_attention_heads", 8},  {"num_key_value_heads", 4},
                           {"head_dim", 256},           {"tie_word_embeddings", true},
                           {"rms_norm_eps", 1e-6},      {"max_position_embeddings", 131072}};
  filled.update(text);
  return filled;
}

Result<DenseConfig> from_json(const ModelFiles& files) {
  const nlohmann::json text = with_defaults(text_part(files));
  std::string problem;
  DenseConfig c = read_dense_json(text, "gemma3", problem);
  ConfigFields f(text, "", problem);
  f.require("attention_bias", false);
  f.require("use_bidirectional_attention", false);
  f.require("attn_logit_softcapping", nullptr);
  f.require("hidden_activation", "gelu_pytorch_tanh");
  c.norm_offset = 1;
  const double scalar = f.number("query_pre_attn_scalar", 256);
  if (!(scalar > 0)) f.wrong("query_pre_attn_scalar", "above 0", scalar);
  c.attention_scale = 1 / std::sqrt(scalar);
  c.logit_softcap = f.number("final_logit_softcapping", 0);
  const int64_t pattern = f.integer("sliding_window_pattern", f.integer("_sliding_window_pattern", kPattern));
  const auto is_sliding =
      f.choices("layer_types", sliding_layers(c.num_layers, pattern), "sliding_attention", "full_attention");
  if (static_cast<int64_t>(is_sliding.size()) != c.num_layers)
    f.wrong("layer_types", "one entry a layer", is_sliding.size());
  use_layers(c, is_sliding, f.integer("sliding_window", 4096));
  c.ropes.push_back(read_rope_json(text, "full_attention", c.head_dim, 1e6, problem));
  const double local = f.number("rope_local_base_freq", kLocalTheta);
  c.ropes.push_back(f.given("rope_parameters") != nullptr
                        ? read_rope_json(text, "sliding_attention", c.head_dim, local, problem)
                        : rope_frequencies(c.head_dim, local));
  return usable(files, std::move(c), problem);
}

Result<DenseConfig> from_gguf(const ModelFiles& files) {
  const GgufFile& gguf = *files.gguf;
  MELETE_ASSIGN_OR_RETURN(DenseConfig c, read_dense_gguf(files));
  MELETE_ASSIGN_OR_RETURN(std::vector<float> global, read_rope_gguf(files, c.head_dim));
  MELETE_ASSIGN_OR_RETURN(const double local, gguf.number("gemma3.rope.freq_base_swa", kLocalTheta));
  MELETE_ASSIGN_OR_RETURN(const int64_t window, gguf.integer("gemma3.attention.sliding_window"));
  MELETE_ASSIGN_OR_RETURN(const int64_t pattern,
                          gguf.integer("gemma3.attention.sliding_window_pattern", kPattern));
  if (!(local >= 1 && local <= 1e12))
    return invalid_argument("[", gguf.name(), "] gemma3.rope.freq_base_swa must be between 1 and 1e12, got ",
                            local, "; this model can't be computed here");
  c.ropes = {std::move(global), rope_frequencies(c.head_dim, local)};
  use_layers(c, sliding_layers(c.num_layers, pattern), window);
  // The 27B model alone scales queries by its width; the metadata don't say so.
  constexpr int64_t kLayersOf27b = 62;
  if (c.num_layers == kLayersOf27b)
    c.attention_scale = std::sqrt(static_cast<double>(c.num_heads) / static_cast<double>(c.width));
  return c;
}

// Tensor names have begun in three ways.
std::string prefix_of(const ModelFiles& files) {
  for (const char* prefix : {"language_model.model.", "model.language_model."})
    if (files.tensors.find(cat(prefix, "embed_tokens.weight")) != nullptr) return prefix;
  return "model.";
}

}  // namespace

Result<std::unique_ptr<Decoder>> load_gemma3(ModelFiles files, const LoadOptions& options, ThreadPool& pool) {
  MELETE_ASSIGN_OR_RETURN(DenseConfig config, files.is_gguf() ? from_gguf(files) : from_json(files));
  use_form(config);
  const std::string prefix = prefix_of(files);
  return load_dense(std::move(files), std::move(config), prefix, options, pool);
}

}  // namespace melete
