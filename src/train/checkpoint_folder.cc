#include "train/checkpoint_folder.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "model/safetensors.h"

namespace melete {
namespace {

namespace fs = std::filesystem;
constexpr size_t kKept = 2;

// Complete checkpoints, oldest first.
std::vector<fs::path> checkpoints_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().filename().string().rfind("step-", 0) == 0) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

Status save_run_checkpoint(const fs::path& folder, int64_t step, const NamedTensors& tensors,
                           const Json& state) {
  const fs::path target = folder / fmt::format("step-{:010d}", step),
                 temporary = folder / fmt::format(".new-{}", step);
  std::error_code error;
  fs::remove_all(temporary, error);
  std::vector<TensorSource> sources;
  for (const auto& [name, tensor] : tensors) {
    MELETE_CHECK(
        tensor.is_contiguous() && tensor.scalar_type() == torch::kFloat32 && tensor.device().is_cpu(), name);
    sources.push_back(
        {name, DataType::f32, tensor.sizes().vec(),
         std::span<const float>(tensor.data_ptr<float>(), static_cast<size_t>(tensor.numel()))});
  }
  fs::create_directories(temporary, error);
  MELETE_RETURN_IF_ERROR(write_safetensors(temporary / "state.safetensors", sources));
  MELETE_RETURN_IF_ERROR(write_file(temporary / "state.json", state.dump(1)));
  fs::remove_all(target, error);
  fs::rename(temporary, target, error);
  if (error) return unavailable("[", target.string(), "] must be possible to write, got: ", error.message());
  std::vector<fs::path> old = checkpoints_in(folder);
  old.resize(old.size() - std::min(old.size(), kKept));
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().filename().string().rfind(".new-", 0) == 0) old.push_back(entry.path());  // of a crash
  for (const fs::path& path : old) fs::remove_all(path, error);
  return ok_status();
}

std::optional<fs::path> newest_checkpoint(const fs::path& folder) {
  const std::vector<fs::path> all = checkpoints_in(folder);
  if (all.empty()) return std::nullopt;
  return all.back();
}

Status load_tensors(const fs::path& checkpoint, const NamedTensors& tensors) {
  MELETE_ASSIGN_OR_RETURN(const TensorFile file, TensorFile::open(checkpoint / "state.safetensors"));
  if (file.tensors().size() != tensors.size())
    return corrupt("[", file.name(), "] must hold ", tensors.size(), " tensors, got ", file.tensors().size(),
                   "; resume with the model that the run was started with");
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors) {
    const TensorView* view = file.find(name);
    if (!view || view->shape != tensor.sizes().vec())
      return corrupt("[", file.name(), "] must hold ", name, " of shape ", to_string(tensor.sizes().vec()),
                     view ? ", got " + to_string(view->shape) : ", got none");
    MELETE_RETURN_IF_ERROR(
        file.copy_floats(name, {tensor.data_ptr<float>(), static_cast<size_t>(tensor.numel())}));
  }
  return ok_status();
}

Result<Json> load_state(const fs::path& checkpoint) {
  MELETE_ASSIGN_OR_RETURN(const std::string text, read_file(checkpoint / "state.json"));
  return parse_json(text, (checkpoint / "state.json").string());
}

}  // namespace melete
