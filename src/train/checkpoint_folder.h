// Training checkpoints: run/NAME/checkpoints/step-00001200 with state.safetensors (weights and optimizer) and
// state.json (everything else). A folder appears by rename when it is complete, so a kill -9 leaves the one
// before.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace melete {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;  // float32, contiguous

// Writes the checkpoint of `step` and removes all but the last two. Errors: unavailable (the disk).
Status save_run_checkpoint(const std::filesystem::path& folder, int64_t step, const NamedTensors& tensors,
                           const Json& state);

// The newest complete checkpoint's folder, or none.
std::optional<std::filesystem::path> newest_checkpoint(const std::filesystem::path& folder);

// Copies the file's values into `tensors`. Errors: not_found, corrupt (a tensor missing, of another size, or
// unknown).
Status load_tensors(const std::filesystem::path& checkpoint, const NamedTensors& tensors);
Result<Json> load_state(const std::filesystem::path& checkpoint);

}  // namespace melete
