#include "server/accounts/accounts.h"

#include <algorithm>

#include "base/ascii.h"
#include "server/store/rows.h"
#include "server/store/secret.h"
#include "text/utf8.h"

namespace melete {
namespace {

constexpr size_t kMaxNameBytes = 40;
constexpr const char* kUser =
    "SELECT id, name, role, password IS NOT NULL, requests_per_day, tokens_per_day, created_ms FROM users";

User user_of(const Statement& row) {
  return {row.integer(0),
          row.text(1),
          parse_user_role(row.text(2)).value_or(UserRole::user),
          row.integer(3) != 0,
          {row.optional_integer(4), row.optional_integer(5)},
          row.integer(6)};
}

Error no_user(const std::string& name) {
  return not_found("[users] the user must exist, got \"", valid_utf8(name.substr(0, 64)),
                   "\"; see `melete user list`");
}

std::string name_problem(const std::string& name) {
  const bool usable = !name.empty() && name.size() <= kMaxNameBytes &&
                      std::all_of(name.begin(), name.end(), [](unsigned char c) {
                        return (c < 128 && std::isalnum(c) != 0) || c == '.' || c == '_' || c == '-';
                      });
  if (usable) return {};
  return cat("[users] a name must be 1 to ", kMaxNameBytes, " letters, digits, '.', '_' and '-', got \"",
             valid_utf8(name.substr(0, 64)), "\"; choose another");
}

Error wrong_login() {
  return invalid_argument("[login] name and password must be those of a user, got others; check both");
}

// Under which the tries for a name are counted: as the database compares names, so that "Ann" and "ann" share
// theirs.
std::string limited_name(const std::string& name) { return lower_ascii(name.substr(0, kMaxNameBytes + 1)); }

}  // namespace

std::string problem(const Quota& quota) {
  for (const auto& [what, value] :
       {std::pair("requests", quota.requests_per_day), {"tokens", quota.tokens_per_day}})
    if (value && *value < 0)
      return cat("[quota] ", what, " a day must be 0 or more, got ", *value, "; leave it out for no limit");
  return {};
}

Accounts::Accounts(Database& database, Options options)
    : database_(database), options_(std::move(options)), login_limit_(options_.clock, options_.login_limit) {}

Result<User> Accounts::add(const std::string& name, UserRole role, const std::optional<std::string>& password,
                           const Quota& quota) {
  for (std::string wrong : {name_problem(name), problem(quota)})
    if (!wrong.empty()) return Error{ErrorKind::invalid_argument, std::move(wrong)};
  std::string hash;
  if (password) {
    MELETE_ASSIGN_OR_RETURN(hash, hash_password(*password, options_.password_cost));
  }
  return add_hashed(name, role, hash, quota);
}

Result<User> Accounts::add_hashed(const std::string& name, UserRole role, const std::string& hash,
                                  const Quota& quota) {
  if (std::string wrong = name_problem(name); !wrong.empty())
    return Error{ErrorKind::invalid_argument, std::move(wrong)};
  MELETE_ASSIGN_OR_RETURN(
      const int64_t added,
      database_.run("adding a user",
                    "INSERT INTO users(name, role, password, requests_per_day, tokens_per_day, created_ms) "
                    "VALUES (?1, ?2, nullif(?3, ''), ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                    name, name_of(role), hash, quota.requests_per_day, quota.tokens_per_day,
                    options_.clock()));
  if (added == 0)
    return invalid_argument("[users] a name must be free, got \"", name,
                            "\", which is taken; choose another");
  return find(name);
}

Result<User> Accounts::get(OwnerId id) const {
  MELETE_ASSIGN_OR_RETURN(Statement find,
                          database_.prepare("reading a user", cat(kUser, " WHERE id = ?1"), id));
  MELETE_ASSIGN_OR_RETURN(const bool found, find.step());
  if (!found) return no_user(std::to_string(id));
  return user_of(find);
}

Result<User> Accounts::find(const std::string& name) const {
  MELETE_ASSIGN_OR_RETURN(Statement find,
                          database_.prepare("reading a user", cat(kUser, " WHERE name = ?1"), name));
  MELETE_ASSIGN_OR_RETURN(const bool found, find.step());
  if (!found) return no_user(name);
  return user_of(find);
}

Result<std::vector<User>> Accounts::list() const {
  MELETE_ASSIGN_OR_RETURN(Statement rows, database_.prepare("listing users", cat(kUser, " ORDER BY id")));
  return read_rows(rows, user_of);
}

Status Accounts::remove(OwnerId id) {
  if (id == kLocalOwner)
    return invalid_argument(
        "[users] the local owner must stay, got its removal; delete its conversations instead");
  MELETE_ASSIGN_OR_RETURN(const int64_t removed,
                          database_.run("deleting a user", "DELETE FROM users WHERE id = ?1", id));
  return removed == 0 ? Status(no_user(std::to_string(id))) : ok_status();
}

Status Accounts::set_password(OwnerId id, const std::string& password) {
  MELETE_ASSIGN_OR_RETURN(const std::string hash, hash_password(password, options_.password_cost));
  MELETE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(database_, "changing a password"));
  MELETE_ASSIGN_OR_RETURN(
      const int64_t changed,
      database_.run("changing a password", "UPDATE users SET password = ?2 WHERE id = ?1", id, hash));
  if (changed == 0) return no_user(std::to_string(id));
  MELETE_RETURN_IF_ERROR(end_sessions(id));
  return transaction.commit();
}

Status Accounts::set_quota(OwnerId id, const Quota& quota) {
  if (std::string wrong = problem(quota); !wrong.empty())
    return Error{ErrorKind::invalid_argument, std::move(wrong)};
  MELETE_ASSIGN_OR_RETURN(
      const int64_t changed,
      database_.run("changing a quota",
                    "UPDATE users SET requests_per_day = ?2, tokens_per_day = ?3 WHERE id = ?1", id,
                    quota.requests_per_day, quota.tokens_per_day));
  return changed == 0 ? Status(no_user(std::to_string(id))) : ok_status();
}

Result<std::optional<Caller>> Accounts::single_user() const {
  MELETE_ASSIGN_OR_RETURN(
      Statement find,
      database_.prepare("looking for users",
                        "SELECT id, name, role FROM users WHERE id = ?1 AND password IS NULL AND "
                        "NOT EXISTS(SELECT 1 FROM users WHERE id != ?1) AND "
                        "NOT EXISTS(SELECT 1 FROM api_keys)",
                        kLocalOwner));
  MELETE_ASSIGN_OR_RETURN(const bool found, find.step());
  std::optional<Caller> owner;
  if (found)
    owner = Caller{Caller::Kind::local,
                   find.integer(0),
                   find.text(1),
                   parse_user_role(find.text(2)).value_or(UserRole::user),
                   Scopes::all(),
                   "",
                   ""};
  return owner;
}

Result<NewSession> Accounts::login(const std::string& name, const std::string& password,
                                   const std::string& address, const std::string& label) {
  MELETE_RETURN_IF_ERROR(login_limit_.begin(limited_name(name), address));
  if (!password_problem(password).empty()) return wrong_login();
  std::string hash;
  OwnerId user = 0;
  {
    MELETE_ASSIGN_OR_RETURN(
        Statement find,
        database_.prepare("logging in", "SELECT id, password FROM users WHERE name = ?1", name));
    MELETE_ASSIGN_OR_RETURN(const bool found, find.step());
    if (found) {
      user = find.integer(0);
      hash = find.text(1);
    }
  }
  // Somebody unknown takes as long as a wrong password does.
  if (hash.empty()) {
    MELETE_RETURN_IF_ERROR(hash_password("no user's password", options_.password_cost));
    return wrong_login();
  }
  if (!password_matches(password, hash)) return wrong_login();
  login_limit_.succeeded(limited_name(name), address);
  return open_session(user, label);
}

int64_t Accounts::login_retry_s(const std::string& name, const std::string& address) {
  return login_limit_.retry_after_s(limited_name(name), address);
}

Json to_json(const Quota& quota) {
  const auto value = [](const std::optional<int64_t>& limit) { return limit ? Json(*limit) : Json(nullptr); };
  return {{"requests_per_day", value(quota.requests_per_day)},
          {"tokens_per_day", value(quota.tokens_per_day)}};
}

Json to_json(const User& user) {
  return {{"id", user.id},
          {"name", user.name},
          {"role", name_of(user.role)},
          {"has_password", user.has_password},
          {"quota", to_json(user.quota)},
          {"created_ms", user.created_ms}};
}

}  // namespace melete
