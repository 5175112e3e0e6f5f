#include "server/store/settings.h"

namespace melete {

Result<Json> Settings::get() const {
  MELETE_ASSIGN_OR_RETURN(Statement find,
                          owned_.prepare("reading settings", "SELECT value FROM settings WHERE owner = ?1"));
  MELETE_ASSIGN_OR_RETURN(const bool found, find.step());
  if (!found) return Json::object();
  return parse_json(find.text(0), "settings");
}

Status Settings::put(const Json& settings) {
  const std::string text = json_text(settings);
  if (!settings.is_object() || text.size() > kMaxBytes)
    return invalid_argument("[settings] must be an object of at most ", kMaxBytes, " bytes, got ",
                            settings.type_name(), " of ", text.size(), "; keep less in it");
  MELETE_RETURN_IF_ERROR(
      owned_.run("keeping settings", "INSERT OR REPLACE INTO settings(owner, value) VALUES (?1, ?2)", text));
  return ok_status();
}

}  // namespace melete
