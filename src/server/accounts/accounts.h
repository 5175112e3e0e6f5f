// Accounts: users, their passwords and their sessions.
//
// The local owner (id 1, "local", admin) is there from the start and has no password: in single-user mode
// every request is its. Names are 1 to 40 of a-z, A-Z, 0-9, '.', '_' and '-', compared without case. Secrets
// are kept as hashes only: passwords by argon2id, session tokens by BLAKE2b.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "server/accounts/caller.h"
#include "server/accounts/login_limit.h"
#include "server/accounts/password.h"
#include "server/store/clock.h"

namespace melete {

// Requests and tokens a day (UTC); none: no limit.
struct Quota {
  std::optional<int64_t> requests_per_day = {}, tokens_per_day = {};
};

// Empty if usable.
std::string problem(const Quota& quota);
Json to_json(const Quota& quota);

struct User {
  OwnerId id = 0;
  std::string name;
  UserRole role = UserRole::user;
  bool has_password = false;
  Quota quota;  // over all keys and sessions
  int64_t created_ms = 0;
};

struct NewSession {
  std::string token;  // for the cookie; kept nowhere
  std::string id;
  int64_t expires_ms = 0;
  User user;
};

struct SessionInfo {
  std::string id, label;
  int64_t created_ms = 0, expires_ms = 0;
};

class Accounts {
 public:
  struct Options {
    Clock clock = system_time_ms;
    PasswordCost password_cost;
    int64_t session_ms = 30 * kDayMs;
    LoginLimit::Options login_limit;
  };

  explicit Accounts(Database& database) : Accounts(database, Options()) {}
  Accounts(Database& database, Options options);

  // Without a password the user can only use keys. Errors: invalid_argument (name taken or unusable, password
  // unusable).
  Result<User> add(const std::string& name, UserRole role, const std::optional<std::string>& password,
                   const Quota& quota = {});
  Result<User> get(OwnerId id) const;
  Result<User> find(const std::string& name) const;
  Result<std::vector<User>> list() const;
  // With all that the user has, sessions and keys included; the local owner stays. Errors: not_found,
  // invalid_argument (the local owner).
  Status remove(OwnerId id);
  // Ends the user's sessions.
  Status set_password(OwnerId id, const std::string& password);
  Status set_quota(OwnerId id, const Quota& quota);
  // The local owner, while there is nobody else, no password and no key, be it a former one: then every
  // caller is the owner and nobody has to say who they are. Else nothing.
  Result<std::optional<Caller>> single_user() const;

  // `label` says where the session is, such as the browser's name. Wrong name and wrong password are one
  // error and take the same time. Errors: invalid_argument, exhausted (too many tries, with the seconds to
  // wait).
  Result<NewSession> login(const std::string& name, const std::string& password, const std::string& address,
                           const std::string& label = "");
  // Seconds until login() looks at this account's password from this address again; 0: it does now.
  int64_t login_retry_s(const std::string& name, const std::string& address);
  // A session without a password: for whoever has just proved who they are in another way.
  Result<NewSession> open_session(OwnerId user, const std::string& label);
  // Errors: not_found (unknown, expired or ended).
  Result<Caller> authenticate_session(const std::string& token) const;
  Result<std::vector<SessionInfo>> sessions(OwnerId user) const;
  Status end_session(OwnerId user, const std::string& session);
  Status end_sessions(OwnerId user);
  // Removes sessions that have expired; how many.
  Result<int64_t> remove_expired();

 private:
  friend class Invitations;
  Result<User> add_hashed(const std::string& name, UserRole role, const std::string& hash,
                          const Quota& quota);

  Database& database_;
  const Options options_;
  LoginLimit login_limit_;
};

Json to_json(const User& user);

}  // namespace melete
