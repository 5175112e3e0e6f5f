// The models that a server has loaded, and the ids under which requests name them: each by its own name, and
// the first also as melete-instant, melete-thinking and melete-contemplating.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/generation/served_model.h"

namespace melete {

inline constexpr const char* kModeIds[] = {"melete-instant", "melete-thinking", "melete-contemplating"};

class ModelList {
 public:
  // At least one; names differ.
  explicit ModelList(std::vector<std::unique_ptr<ServedModel>> models) : models_(std::move(models)) {}

  const std::vector<std::unique_ptr<ServedModel>>& all() const { return models_; }

  // Error: not_found, naming those that there are.
  Result<const ServedModel*> find(const std::string& id) const;

  // All ids: the modes', then the models' own.
  std::vector<std::string> ids() const;

 private:
  std::vector<std::unique_ptr<ServedModel>> models_;
};

}  // namespace melete
