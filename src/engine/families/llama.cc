// llama: Llama 2 and 3, SmolLM2 and others that took its form (2302.13971, 2407.21783).
#include "engine/families/dense.h"
#include "engine/families/rope.h"
#include "model/config_fields.h"

namespace melete {
namespace {

bool flag(ConfigFields& fields, const char* name) {
  const nlohmann::json* value = fields.given(name);
  if (value != nullptr && !value->is_boolean()) fields.wrong(name, "true or false", *value);
  return value != nullptr && *value == true;
}

Result<DenseConfig> from_json(const ModelFiles& files) {
  std::string problem;
  DenseConfig c = read_dense_json(files.config, "llama", problem);
  ConfigFields f(files.config, "", problem);
  f.require("hidden_act", "silu");
  c.has_qkv_bias = c.has_out_bias = flag(f, "attention_bias");
  c.has_mlp_bias = flag(f, "mlp_bias");
  use_one_rope(c, read_rope_json(files.config, "", c.head_dim, 10000, problem));
  return usable(files, std::move(c), problem);
}

Result<DenseConfig> from_gguf(const ModelFiles& files) {
  MELETE_ASSIGN_OR_RETURN(DenseConfig c, read_one_rope_gguf(files));
  c.rows_are_pairs = true;
  c.has_qkv_bias = files.tensors.find("blk.0.attn_q.bias") != nullptr;
  c.has_out_bias = files.tensors.find("blk.0.attn_output.bias") != nullptr;
  c.has_mlp_bias = files.tensors.find("blk.0.ffn_gate.bias") != nullptr;
  return c;
}

}  // namespace

Result<std::unique_ptr<Decoder>> load_llama(ModelFiles files, const LoadOptions& options, ThreadPool& pool) {
  MELETE_ASSIGN_OR_RETURN(DenseConfig config, files.is_gguf() ? from_gguf(files) : from_json(files));
  return load_dense(std::move(files), std::move(config), "model.", options, pool);
}

}  // namespace melete
