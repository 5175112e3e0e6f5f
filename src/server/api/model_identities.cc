#include "server/api/model_identities.h"

#include "agent/run_record.h"

namespace melete {

Result<std::string> ModelIdentities::of(const std::string& model) {
  const auto path = paths_.find(model);
  if (path == paths_.end()) return std::string();
  const std::lock_guard lock(mutex_);
  if (const auto found = known_.find(model); found != known_.end()) return found->second;
  MELETE_ASSIGN_OR_RETURN(std::string identity, model_identity(path->second));
  return known_[model] = std::move(identity);
}

Result<Json> ModelIdentities::origin(const std::string& model, Json files) {
  MELETE_ASSIGN_OR_RETURN(std::string identity, of(model));
  return Json{{"model", {{"name", model}, {"identity", std::move(identity)}}}, {"files", std::move(files)}};
}

}  // namespace melete
