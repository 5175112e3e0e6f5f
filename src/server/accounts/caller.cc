#include "server/accounts/caller.h"

namespace melete {

const char* name_of(UserRole role) { return role == UserRole::admin ? "admin" : "user"; }

std::optional<UserRole> parse_user_role(std::string_view name) {
  for (const UserRole role : {UserRole::user, UserRole::admin})
    if (name == name_of(role)) return role;
  return std::nullopt;
}

const char* name_of(Scope scope) {
  switch (scope) {
    case Scope::generate: return "generate";
    case Scope::data: return "data";
    case Scope::admin: return "admin";
  }
  MELETE_CHECK(false);
}

std::string to_text(const Scopes& scopes) {
  std::string text;
  for (const Scope scope : kScopes)
    if (scopes.has(scope)) text += cat(text.empty() ? "" : ",", name_of(scope));
  return text;
}

Result<Scopes> parse_scopes(std::string_view text) {
  Scopes scopes;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view name = text.substr(begin, end - begin);
    bool known = false;
    for (const Scope scope : kScopes) {
      if (name != name_of(scope)) continue;
      scopes.add(scope);
      known = true;
    }
    if (!known)
      return invalid_argument("[scopes] a scope must be one of ", to_text(Scopes::all()), ", got \"", name,
                              "\"; separate several by commas");
    begin = end + 1;
  }
  return scopes;
}

}  // namespace melete
