#include <limits>

#include "engine/families/dense.h"
#include "engine/families/rope.h"
#include "model/config_fields.h"
#include "model/config_limits.h"

namespace melete {
std::string DenseConfig::problem() const {
  for (const std::string& problem :
       {range_problem("vocab_size", vocab_size, 1, kMaxVocabulary),
        range_problem("hidden_size", width, 1, kMaxWidth),
        range_problem("intermediate_size", mlp_width, 1, kMaxWidth),
        range_problem("num_hidden_layers", num_layers, 1, kMaxLayers),
        range_problem("num_attention_heads", num_heads, 1, 1024),
        range_problem("num_key_value_heads", num_kv_heads, 1, num_heads),
        range_problem("head_dim", head_dim, 2, 4096),
        range_problem("max_position_embeddings", context_length, 1, kMaxPositions)})
    if (!problem.empty()) return problem;
  if (num_heads % num_kv_heads != 0)
    return cat("num_key_value_heads must divide num_attention_heads=", num_heads, ", got ", num_kv_heads);
  if (head_dim % 2 != 0) return cat("head_dim must be even, got ", head_dim);
  if (!(rms_eps >= 0 && rms_eps <= 1)) return cat("rms_norm_eps must be between 0 and 1, got ", rms_eps);
  if (!(attention_scale >= 0 && attention_scale <= 1e3))
    return cat("the scale of queries must be between 0 and 1000, got ", attention_scale);
  if (!(logit_softcap >= 0 && logit_softcap <= 1e6))
    return cat("final_logit_softcapping must be between 0 and 1e6, got ", logit_softcap);
  for (const int64_t window : windows)
    if (const std::string problem = range_problem("sliding_window", window, 0, kMaxPositions);
        !problem.empty())
      return problem;
  MELETE_CHECK(static_cast<int64_t>(windows.size()) == num_layers &&
                   static_cast<int64_t>(rope_of_layer.size()) == num_layers && !ropes.empty(),
               family);
  return {};
}

void use_one_rope(DenseConfig& config, std::vector<float> frequencies) {
  const auto layers = static_cast<size_t>(std::clamp<int64_t>(config.num_layers, 0, kMaxLayers));
  config.ropes = {std::move(frequencies)};
  config.rope_of_layer.assign(layers, 0);
  config.windows.assign(layers, 0);
}

void read_qwen_windows(const nlohmann::json& object, DenseConfig& config, std::string& problem) {
  ConfigFields f(object, "", problem);
  f.require("hidden_act", "silu");
  const nlohmann::json* use = f.given("use_sliding_window");
  const bool is_used = use != nullptr && *use == true;
  const int64_t first = f.integer("max_window_layers", 28), window = f.integer("sliding_window", 4096);
  std::vector<uint8_t> sliding;
  for (size_t i = 0; i < config.windows.size(); ++i)
    sliding.push_back(is_used && static_cast<int64_t>(i) >= first);
  sliding = f.choices("layer_types", sliding, "sliding_attention", "full_attention");
  if (sliding.size() != config.windows.size()) {
    f.wrong("layer_types", "one entry a layer", sliding.size());
    return;
  }
  for (size_t i = 0; i < sliding.size(); ++i) config.windows[i] = sliding[i] != 0 && is_used ? window : 0;
}

DenseConfig read_dense_json(const nlohmann::json& object, const std::string& family, std::string& problem) {
  ConfigFields f(object, "", problem);
  DenseConfig c;
  c.family = family;
  const auto required = [&](const char* name) {
    if (f.given(name) == nullptr) f.wrong(name, "given", nullptr);
    return f.integer(name, 0);
  };
  c.vocab_size = required("vocab_size");
  c.width = required("hidden_size");
  c.mlp_width = required("intermediate_size");
  c.num_layers = required("num_hidden_layers");
  c.num_heads = required("num_attention_heads");
  c.num_kv_heads = f.integer("num_key_value_heads", c.num_heads);
  c.head_dim = f.integer("head_dim", c.num_heads > 0 ? c.width / c.num_heads : 0);
  c.context_length = required("max_position_embeddings");
  c.rms_eps = f.number("rms_norm_eps", 1e-6);
  const nlohmann::json* tied = f.given("tie_word_embeddings");
  if (tied != nullptr && !tied->is_boolean()) f.wrong("tie_word_embeddings", "true or false", *tied);
  c.is_tied = tied != nullptr && *tied == true;
  // Sizes with which lists are made before problem() is asked.
  if (c.num_layers > kMaxLayers || c.head_dim > 4096 || c.num_layers < 1 || c.head_dim < 2) {
    if (problem.empty())
      problem = cat("num_hidden_layers must be 1 to ", kMaxLayers, " and head_dim 2 to 4096, got ",
                    c.num_layers, " and ", c.head_dim);
    c.num_layers = 1;
    c.head_dim = 2;
  }
  return c;
}

Result<DenseConfig> read_dense_gguf(const ModelFiles& files) {
  const GgufFile& gguf = *files.gguf;
  const std::string p = files.architecture + ".";
  DenseConfig c;
  c.family = files.architecture;
  MELETE_ASSIGN_OR_RETURN(c.width, gguf.integer(p + "embedding_length"));
  MELETE_ASSIGN_OR_RETURN(c.mlp_width, gguf.integer(p + "feed_forward_length"));
  MELETE_ASSIGN_OR_RETURN(c.num_layers, gguf.integer(p + "block_count"));
  MELETE_ASSIGN_OR_RETURN(c.num_heads, gguf.integer(p + "attention.head_count"));
  MELETE_ASSIGN_OR_RETURN(c.num_kv_heads, gguf.integer(p + "attention.head_count_kv", c.num_heads));
  const int64_t even_share = c.num_heads > 0 ? c.width / c.num_heads : 0;
  MELETE_ASSIGN_OR_RETURN(c.head_dim, gguf.integer(p + "attention.key_length", even_share));
  MELETE_ASSIGN_OR_RETURN(const int64_t value_dim, gguf.integer(p + "attention.value_length", c.head_dim));
  MELETE_ASSIGN_OR_RETURN(c.context_length, gguf.integer(p + "context_length"));
  MELETE_ASSIGN_OR_RETURN(c.rms_eps, gguf.number(p + "attention.layer_norm_rms_epsilon", 1e-6));
  const TensorView* tokens = gguf.tensors().find("token_embd.weight");
  if (tokens != nullptr && tokens->shape.size() == 2) c.vocab_size = tokens->shape[0];
  c.is_tied = gguf.tensors().find("output.weight") == nullptr;
  std::string problem;
  if (value_dim != c.head_dim)
    problem = cat("attention.value_length must be the key_length of ", c.head_dim, ", got ", value_dim);
  if (const std::string layers = range_problem("block_count", c.num_layers, 1, kMaxLayers); !layers.empty())
    problem = layers;
  if (const std::string width = range_problem("attention.key_length", c.head_dim, 2, 4096); !width.empty())
    problem = width;
  if (!problem.empty())
    return invalid_argument("[", gguf.name(), "] ", p, problem, "; this model can't be computed here");
  return c;
}

Result<DenseConfig> read_one_rope_gguf(const ModelFiles& files) {
  MELETE_ASSIGN_OR_RETURN(DenseConfig c, read_dense_gguf(files));
  MELETE_ASSIGN_OR_RETURN(std::vector<float> frequencies, read_rope_gguf(files, c.head_dim));
  use_one_rope(c, std::move(frequencies));
  return c;
}

Result<DenseConfig> usable(const ModelFiles& files, DenseConfig config, const std::string& problem) {
  if (problem.empty()) return config;
  return invalid_argument("[", files.config_name(), "] ", problem, "; this model can't be computed here");
}

}  // namespace melete
