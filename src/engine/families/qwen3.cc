// qwen3 (2505.09388): as qwen2, with a norm of each head of q and k instead of biases.
#include "engine/families/dense.h"
#include "engine/families/rope.h"
#include "model/config_fields.h"

namespace melete {
namespace {

Result<DenseConfig> from_json(const ModelFiles& files) {
  std::string problem;
  DenseConfig c = read_dense_json(files.config, "qwen3", problem);
  ConfigFields f(files.config, "", problem);
  f.require("attention_bias", false);
  if (f.given("head_dim") == nullptr) c.head_dim = 128;  // the reference's default
  use_one_rope(c, read_rope_json(files.config, "", c.head_dim, 10000, problem));
  read_qwen_windows(files.config, c, problem);
  return usable(files, std::move(c), problem);
}

}  // namespace

Result<std::unique_ptr<Decoder>> load_qwen3(ModelFiles files, const LoadOptions& options, ThreadPool& pool) {
  MELETE_ASSIGN_OR_RETURN(DenseConfig config, files.is_gguf() ? read_one_rope_gguf(files) : from_json(files));
  config.has_qk_norm = true;
  return load_dense(std::move(files), std::move(config), "model.", options, pool);
}

}  // namespace melete
