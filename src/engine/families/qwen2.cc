// qwen2: Qwen2 and Qwen2.5 (2407.10671): biases at q, k and v; in some configs a window in the later layers.
#include "engine/families/dense.h"
#include "engine/families/rope.h"

namespace melete {
namespace {

Result<DenseConfig> from_json(const ModelFiles& files) {
  std::string problem;
  DenseConfig c = read_dense_json(files.config, "qwen2", problem);
  use_one_rope(c, read_rope_json(files.config, "", c.head_dim, 10000, problem));
  read_qwen_windows(files.config, c, problem);
  return usable(files, std::move(c), problem);
}

}  // namespace

Result<std::unique_ptr<Decoder>> load_qwen2(ModelFiles files, const LoadOptions& options, ThreadPool& pool) {
  MELETE_ASSIGN_OR_RETURN(DenseConfig config, files.is_gguf() ? read_one_rope_gguf(files) : from_json(files));
  config.has_qkv_bias = true;
  return load_dense(std::move(files), std::move(config), "model.", options, pool);
}

}  // namespace melete
