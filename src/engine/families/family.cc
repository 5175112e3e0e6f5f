#include "engine/families/family.h"

#include "base/file.h"
#include "engine/memory.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxConfigBytes = uint64_t{16} << 20;
constexpr size_t kNamedTensors = 5;

Result<ModelFiles> open_folder(const fs::path& path) {
  ModelFiles files;
  files.path = path;
  const std::string where = files.config_name();
  MELETE_ASSIGN_OR_RETURN(const std::string text, read_file(path / "config.json", kMaxConfigBytes));
  files.config = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!files.config.is_object())
    return corrupt("[", where, "] must be a JSON object in UTF-8, got something else; check the file");
  const auto type = files.config.find("model_type");
  if (type != files.config.end() && type->is_string()) files.architecture = type->get<std::string>();
  return files;
}

Result<ModelFiles> open_gguf(const fs::path& path) {
  ModelFiles files;
  files.path = path;
  MELETE_ASSIGN_OR_RETURN(files.gguf, GgufFile::open(path));
  files.architecture = files.gguf->architecture();
  files.tensors = files.gguf->tensors();
  return files;
}

const Family* find_family(const std::string& architecture) {
  for (const Family& family : families())
    for (const std::string& name : family.architectures)
      if (name == architecture) return &family;
  return nullptr;
}

Error unknown_architecture(const ModelFiles& files) {
  std::string known;
  for (const Family& family : families()) known += cat(known.empty() ? "" : ", ", family.name);
  return invalid_argument("[", files.config_name(), "] ",
                          files.is_gguf() ? "general.architecture" : "model_type",
                          " must be of a supported family (", known, "), got ",
                          files.architecture.empty() ? "none" : quoted_name(files.architecture),
                          "; choose a model of one of these");
}

Status check_known(const TensorFile& tensors, const WeightLoader& loader,
                   const std::function<bool(std::string_view)>& ignored) {
  std::string text;
  size_t count = 0;
  for (const std::string& name : loader.unknown_tensors()) {
    if (ignored(name)) continue;
    if (++count <= kNamedTensors) text += cat(count > 1 ? ", " : "", quoted_name(name));
  }
  if (count == 0) return ok_status();
  if (count > kNamedTensors) text += cat(" and ", count - kNamedTensors, " more");
  return invalid_argument("[", tensors.name(), "] all tensors must be part of the model, got also ", text,
                          "; this variant of the architecture can't be computed here");
}

}  // namespace

// Named one by one, since a linker drops a static library's files that nothing refers to.
const std::vector<Family>& families() {
  static const std::vector<Family> all = {
      {"gemma3", {"gemma3", "gemma3_text"}, load_gemma3},
      {"llama", {"llama"}, load_llama},
      {"muse_glimmer", {"muse_glimmer", "muse-glimmer"}, load_muse},
      {"muse_spark", {"muse_spark", "muse-spark"}, load_muse},
      {"qwen2", {"qwen2"}, load_qwen2},
      {"qwen3", {"qwen3"}, load_qwen3},
  };
  return all;
}

Result<std::unique_ptr<Decoder>> load_decoder(const fs::path& path, const LoadOptions& options,
                                              ThreadPool& pool) {
  const bool is_gguf = path.extension() == ".gguf";
  MELETE_ASSIGN_OR_RETURN(ModelFiles files, is_gguf ? open_gguf(path) : open_folder(path));
  const Family* family = find_family(files.architecture);
  if (family == nullptr) return unknown_architecture(files);
  if (!is_gguf) {
    MELETE_ASSIGN_OR_RETURN(files.tensors, TensorFile::open(path));
  }
  return family->load(std::move(files), options, pool);
}

Status load_in_two_steps(const TensorFile& tensors, const LoadOptions& options, ThreadPool& pool,
                         const std::function<void(WeightLoader&)>& load,
                         const std::function<bool(std::string_view)>& ignored) {
  WeightLoader checker(tensors, pool, options.weights, LoadStep::check);
  load(checker);
  MELETE_RETURN_IF_ERROR(checker.status());
  MELETE_RETURN_IF_ERROR(check_known(tensors, checker, ignored));
  const int64_t available = options.available_bytes < 0 ? available_memory() : options.available_bytes;
  MELETE_RETURN_IF_ERROR(check_memory(tensors.name(), checker.bytes() + checker.scratch_bytes(), available));
  const std::string identity = options.packed == nullptr ? "" : tensors.identity();
  std::optional<PackedWeights> kept;
  if (!identity.empty()) kept = options.packed->open(cat(name_of(options.weights), "\n", identity));
  WeightLoader loader(tensors, pool, options.weights, LoadStep::load, kept ? &*kept : nullptr);
  load(loader);
  MELETE_RETURN_IF_ERROR(loader.status());
  // Small tensors lie all over the file: where large pages are mapped at a touch, most of it would stay.
  tensors.forget_pages();
  if (kept) options.packed->keep(*std::move(kept));
  return ok_status();
}

}  // namespace melete
