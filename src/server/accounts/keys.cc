#include "server/accounts/keys.h"

#include <algorithm>

#include "server/store/rows.h"
#include "server/store/secret.h"
#include "text/utf8.h"

namespace melete {
namespace {

constexpr std::string_view kPrefix = "mlt_";
constexpr size_t kIdLength = 12;
constexpr size_t kSecretBytes = 32;
constexpr const char* kKey =
    "SELECT id, owner, name, scopes, requests_per_day, tokens_per_day, created_ms, expires_ms, revoked_ms "
    "FROM "
    "api_keys";

Result<KeyInfo> key_of(const Statement& row) {
  MELETE_ASSIGN_OR_RETURN(const Scopes scopes, parse_scopes(row.text(3)));
  return KeyInfo{row.text(0),
                 row.integer(1),
                 row.text(2),
                 scopes,
                 {row.optional_integer(4), row.optional_integer(5)},
                 row.integer(6),
                 row.optional_integer(7),
                 row.optional_integer(8)};
}

Error no_key() {
  return not_found(
      "[key] the key must be a valid one, got one that is unknown, expired or revoked; ask for another");
}

Json time_or_null(const std::optional<int64_t>& time) { return time ? Json(*time) : Json(nullptr); }

}  // namespace

Keys::Keys(Database& database, Clock clock) : database_(database), clock_(std::move(clock)) {}

Result<NewKey> Keys::add(OwnerId owner, const KeySpec& spec) {
  if (std::string wrong = label_problem(spec.name); !wrong.empty())
    return Error{ErrorKind::invalid_argument, std::move(wrong)};
  if (std::string wrong = problem(spec.quota); !wrong.empty())
    return Error{ErrorKind::invalid_argument, std::move(wrong)};
  MELETE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(database_, "making a key"));
  MELETE_ASSIGN_OR_RETURN(const User user, Accounts(database_).get(owner));
  if (spec.scopes == Scopes() || (spec.scopes.has(Scope::admin) && user.role != UserRole::admin))
    return invalid_argument("[key] a key must have a scope, and admin only where its user is one, got \"",
                            to_text(spec.scopes), "\" for ", user.name, "; give other scopes");
  const std::string id = new_id("").substr(1, kIdLength);
  NewKey key{{id, owner, spec.name, spec.scopes, spec.quota, clock_(), spec.expires_ms, std::nullopt},
             cat(kPrefix, id, "_", random_token(kSecretBytes))};
  MELETE_RETURN_IF_ERROR(
      Owned(database_, owner)
          .run("making a key",
               "INSERT INTO api_keys(owner, id, hash, name, scopes, requests_per_day, "
               "tokens_per_day, created_ms, expires_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "
               "?9)",
               id, secret_hash(key.secret, "key"), spec.name, to_text(spec.scopes),
               spec.quota.requests_per_day, spec.quota.tokens_per_day, key.info.created_ms, spec.expires_ms));
  MELETE_RETURN_IF_ERROR(transaction.commit());
  return key;
}

Result<std::vector<KeyInfo>> Keys::list(OwnerId owner) const {
  MELETE_ASSIGN_OR_RETURN(
      Statement rows, Owned(database_, owner)
                          .prepare("listing keys", cat(kKey, " WHERE owner = ?1 ORDER BY created_ms, id")));
  return read_rows(rows, key_of);
}

Status Keys::revoke(OwnerId owner, const std::string& id) {
  MELETE_ASSIGN_OR_RETURN(
      const int64_t changed,
      Owned(database_, owner)
          .run("revoking a key",
               "UPDATE api_keys SET revoked_ms = coalesce(revoked_ms, ?3) WHERE owner = ?1 AND "
               "id = ?2",
               id, clock_()));
  if (changed == 0)
    return not_found("[key] the key must exist, got \"", valid_utf8(id.substr(0, 40)),
                     "\"; give the part between the first two '_', as `melete key list` shows it");
  return ok_status();
}

Result<Caller> Keys::authenticate(const std::string& key) const {
  const size_t id_end = kPrefix.size() + kIdLength;
  if (key.size() <= id_end || key.compare(0, kPrefix.size(), kPrefix) != 0 || key[id_end] != '_')
    return no_key();
  MELETE_ASSIGN_OR_RETURN(
      Statement find,
      database_.prepare(
          "checking a key",
          "SELECT k.hash, k.owner, u.name, u.role, k.scopes, k.expires_ms, k.revoked_ms FROM api_keys "
          "k JOIN users u ON u.id = k.owner WHERE k.id = ?1",
          key.substr(kPrefix.size(), kIdLength)));
  MELETE_ASSIGN_OR_RETURN(const bool found, find.step());
  if (!found || !equal_secrets(find.text(0), secret_hash(key, "key"))) return no_key();
  if (!find.is_null(6) || find.optional_integer(5).value_or(INT64_MAX) <= clock_()) return no_key();
  MELETE_ASSIGN_OR_RETURN(const Scopes scopes, parse_scopes(find.text(4)));
  return Caller{Caller::Kind::key,
                find.integer(1),
                find.text(2),
                parse_user_role(find.text(3)).value_or(UserRole::user),
                scopes,
                key.substr(kPrefix.size(), kIdLength),
                ""};
}

Result<std::vector<UsageRow>> Keys::usage(OwnerId owner, int64_t first_day) const {
  MELETE_ASSIGN_OR_RETURN(
      Statement rows,
      Owned(database_, owner)
          .prepare("reading usage",
                   "SELECT key, day, requests, tokens FROM usage WHERE owner = ?1 AND day >= ?2 "
                   "ORDER BY day, key",
                   first_day));
  return read_rows(rows, [](const Statement& row) {
    return UsageRow{row.text(0), row.integer(1), row.integer(2), row.integer(3)};
  });
}

std::string label_problem(const std::string& label) {
  constexpr size_t kMaxBytes = 100;
  if (label.size() <= kMaxBytes && valid_utf8(label) == label) return {};
  return cat("[label] a label must be UTF-8 of at most ", kMaxBytes, " bytes, got ", label.size(),
             "; shorten it");
}

Json to_json(const KeyInfo& key) {
  Json scopes = Json::array();
  for (const Scope scope : kScopes)
    if (key.scopes.has(scope)) scopes.push_back(name_of(scope));
  return {{"id", key.id},
          {"name", key.name},
          {"scopes", scopes},
          {"quota", to_json(key.quota)},
          {"created_ms", key.created_ms},
          {"expires_ms", time_or_null(key.expires_ms)},
          {"revoked_ms", time_or_null(key.revoked_ms)}};
}

Json to_json(const UsageRow& row) {
  return {{"day", row.day}, {"key", row.key}, {"requests", row.requests}, {"tokens", row.tokens}};
}

}  // namespace melete
