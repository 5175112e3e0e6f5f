#include "catalogue/best_model.h"

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "catalogue/model_info.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

bool has_template(const ModelInfo& info, const fs::path& path) {
  const auto is_template = [](const auto& entry) { return entry.first == "tokenizer.chat_template"; };
  std::error_code error;
  if (!fs::is_directory(path, error))
    return std::any_of(info.metadata.begin(), info.metadata.end(), is_template);
  if (fs::exists(path / "chat_template.jinja", error)) return true;
  const auto config = read_file(path / "tokenizer_config.json");
  return config.ok() && config->find("\"chat_template\"") != std::string::npos;
}

}  // namespace

std::vector<LocalModel> models_that_answer(const ModelsFolder& folder, int64_t max_bytes) {
  std::vector<std::pair<int64_t, LocalModel>> found;
  for (LocalModel& model : folder.list()) {
    if (model.bytes > max_bytes) continue;
    const auto info = inspect_model(model.path);
    if (info.ok() && (info->architecture.starts_with("muse") || has_template(*info, model.path)))
      found.emplace_back(info->parameters, std::move(model));
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<LocalModel> models;
  for (auto& [parameters, model] : found) models.push_back(std::move(model));
  return models;
}

}  // namespace melete
