#include "server/accounts/account_json.h"

namespace melete {

Result<Json> account_json(const Keys& keys, const User& user) {
  Json json = to_json(user);
  json["keys"] = Json::array();
  json["usage"] = Json::array();
  MELETE_ASSIGN_OR_RETURN(const std::vector<KeyInfo> list, keys.list(user.id));
  for (const KeyInfo& key : list) json["keys"].push_back(to_json(key));
  MELETE_ASSIGN_OR_RETURN(const std::vector<UsageRow> usage, keys.usage(user.id));
  for (const UsageRow& row : usage) json["usage"].push_back(to_json(row));
  return json;
}

}  // namespace melete
