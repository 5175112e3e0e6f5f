#include "server/generation/model_list.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace melete {

Result<const ServedModel*> ModelList::find(const std::string& id) const {
  if (std::find(std::begin(kModeIds), std::end(kModeIds), id) != std::end(kModeIds))
    return models_.front().get();
  for (const auto& model : models_)
    if (model->name() == id) return model.get();
  return not_found("must be one of ", fmt::format("{}", fmt::join(ids(), ", ")), ", got \"",
                   id.substr(0, 200), "\"");
}

std::vector<std::string> ModelList::ids() const {
  std::vector<std::string> ids(std::begin(kModeIds), std::end(kModeIds));
  for (const auto& model : models_) ids.push_back(model->name());
  return ids;
}

}  // namespace melete
