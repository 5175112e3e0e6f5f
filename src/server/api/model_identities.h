// What tells the served models' files from others, see model_identity(): found out when it is first asked
// for, since reading a large model takes seconds.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace melete {

class ModelIdentities {
 public:
  // By the models' names; a model without a path has an empty identity.
  explicit ModelIdentities(std::map<std::string, std::filesystem::path> paths) : paths_(std::move(paths)) {}

  // Errors of both: those of model_identity().
  Result<std::string> of(const std::string& model);
  // What run_record() is to know of a run on it. `files`: those that the question is about.
  Result<Json> origin(const std::string& model, Json files);

 private:
  const std::map<std::string, std::filesystem::path> paths_;
  std::mutex mutex_;
  std::map<std::string, std::string> known_;
};

}  // namespace melete
