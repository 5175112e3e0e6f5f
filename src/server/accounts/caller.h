// Caller: who makes a request and what they may do, the result of authentication that every route checks.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/store/owned.h"

namespace melete {

inline constexpr OwnerId kLocalOwner = 1;  // of single-user mode; there from the first migration

enum class UserRole { user, admin };
const char* name_of(UserRole role);
std::optional<UserRole> parse_user_role(std::string_view name);

// What a key may be used for. A session may do all that its user may.
enum class Scope {
  generate,  // chat completions, responses, messages, embeddings; and the list of models
  data,      // the owner's conversations, files, stored responses and event logs
  admin,     // users, keys and invitations; only ever of an admin
};
inline constexpr std::array kScopes = {Scope::generate, Scope::data, Scope::admin};
const char* name_of(Scope scope);

class Scopes {
 public:
  Scopes() = default;
  Scopes(std::initializer_list<Scope> scopes) {
    for (const Scope scope : scopes) add(scope);
  }
  static Scopes all() { return {Scope::generate, Scope::data, Scope::admin}; }
  void add(Scope scope) { bits_ |= 1u << static_cast<unsigned>(scope); }
  void remove(Scope scope) { bits_ &= ~(1u << static_cast<unsigned>(scope)); }
  bool has(Scope scope) const { return (bits_ >> static_cast<unsigned>(scope) & 1u) != 0; }
  bool operator==(const Scopes&) const = default;

 private:
  unsigned bits_ = 0;
};
std::string to_text(const Scopes& scopes);  // "generate,data"
// Errors: invalid_argument (an unknown scope, naming those that exist).
Result<Scopes> parse_scopes(std::string_view text);

struct Caller {
  enum class Kind { anonymous, local, session, key };
  Kind kind = Kind::anonymous;
  OwnerId user = 0;  // 0: nobody
  std::string name;
  UserRole role = UserRole::user;
  Scopes scopes;
  std::string key;      // the key's id; empty otherwise
  std::string session;  // the session's id; empty otherwise

  // Whether the caller's role and scopes allow it.
  bool may(Scope scope) const {
    return user != 0 && scopes.has(scope) && (scope != Scope::admin || role == UserRole::admin);
  }
};

}  // namespace melete
