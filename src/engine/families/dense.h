// The dense decoder that llama, qwen2, qwen3 and gemma3 share: norm, attention, norm, gated MLP, each added
// to the stream. What differs is in DenseConfig, which each family's file fills from its config.
//
// Sources: llama 2302.13971; rotary positions 2104.09864 (halves); grouped kv heads 2305.13245; gated MLPs
// 2002.05202; q/k norm and norms around both blocks: Gemma 3, 2503.19786; q/k norm: Qwen3, 2505.09388.
// Shapes: N rows, D width, H query heads, G kv heads, K head width, F mlp width, V vocabulary, L layers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/families/family.h"

namespace melete {

struct DenseConfig {
  std::string family;
  int64_t vocab_size = 0, width = 0, mlp_width = 0, num_layers = 0;
  int64_t num_heads = 0, num_kv_heads = 0, head_dim = 0, context_length = 0;
  double rms_eps = 1e-6;

  bool is_tied = false;  // the head is the token table
  bool has_qkv_bias = false, has_out_bias = false, has_mlp_bias = false;
  bool has_qk_norm = false;     // each head of q and k, after the projection
  bool has_post_norms = false;  // of what attention and MLP add
  bool uses_gelu = false;       // by tanh; else silu

  float norm_offset = 0;        // added to the norms of the file (a weight stored as 1 + w)
  float embedding_scale = 1;    // of the embedded rows
  double attention_scale = 0;   // of q k; 0: 1 / sqrt(K)
  double logit_softcap = 0;     // 0: none
  bool rows_are_pairs = false;  // q and k rotate neighbours (2j, 2j + 1) instead of halves, as llama's GGUF

  std::vector<int64_t> windows;           // [L], 0: none
  std::vector<std::vector<float>> ropes;  // frequencies [K / 2] of each kind of layer
  std::vector<uint8_t> rope_of_layer;     // [L], index into ropes

  // Empty if usable, else what must hold and what was given.
  std::string problem() const;
};

// The fields of config.json that all these families have; the rest keeps its value. `object` is the part that
// describes the text model. Problems go to `problem`, as ConfigFields does.
DenseConfig read_dense_json(const nlohmann::json& object, const std::string& family, std::string& problem);

// The same from GGUF metadata under the architecture's name, and from the token table's shape. Errors: those
// of GgufFile.
Result<DenseConfig> read_dense_gguf(const ModelFiles& files);

// Qwen's windows: layer_types, or the layers from max_window_layers on if use_sliding_window. config.windows
// has an entry a layer.
void read_qwen_windows(const nlohmann::json& object, DenseConfig& config, std::string& problem);

// All layers alike: no window, the one rope.
void use_one_rope(DenseConfig& config, std::vector<float> frequencies);

// read_dense_gguf() with the file's one rope in all layers, and no windows.
Result<DenseConfig> read_one_rope_gguf(const ModelFiles& files);

// The config, or invalid_argument with the problem that reading config.json met.
Result<DenseConfig> usable(const ModelFiles& files, DenseConfig config, const std::string& problem);

// Reads the files' weights by Hugging Face's names, where the text model's begin with `prefix` ("model."), or
// by GGUF's. Errors: invalid_argument (config.problem(), or tensors that don't fit), corrupt, exhausted.
Result<std::unique_ptr<Decoder>> load_dense(ModelFiles files, DenseConfig config, const std::string& prefix,
                                            const LoadOptions& options, ThreadPool& pool);

}  // namespace melete
