// API keys: "mlt_" + id + "_" + 256 random bits. Shown once, kept as a BLAKE2b hash.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/accounts/accounts.h"

namespace melete {

struct KeySpec {
  std::string name;  // for people, up to 100 bytes
  Scopes scopes = {Scope::generate};
  Quota quota = {};
  std::optional<int64_t> expires_ms = {};
};

struct KeyInfo {
  std::string id;  // 12 characters, the visible part of the key
  OwnerId owner = 0;
  std::string name;
  Scopes scopes;
  Quota quota;
  int64_t created_ms = 0;
  std::optional<int64_t> expires_ms, revoked_ms;
};

struct NewKey {
  KeyInfo info;
  std::string secret;  // the whole key, to be shown once
};

// One day's use of a key, or of sessions (key is empty).
struct UsageRow {
  std::string key;
  int64_t day = 0;  // days since 1970, UTC
  int64_t requests = 0, tokens = 0;
};

class Keys {
 public:
  explicit Keys(Database& database, Clock clock = system_time_ms);

  // Errors: not_found (user), invalid_argument (name, scopes: admin only for an admin, quota below 0).
  Result<NewKey> add(OwnerId owner, const KeySpec& spec);
  // Revoked and expired ones too, oldest first.
  Result<std::vector<KeyInfo>> list(OwnerId owner) const;
  Status revoke(OwnerId owner, const std::string& id);
  // Errors: not_found (unknown, revoked or expired; the message doesn't say which).
  Result<Caller> authenticate(const std::string& key) const;
  // From `first_day` on, by day and key.
  Result<std::vector<UsageRow>> usage(OwnerId owner, int64_t first_day = 0) const;

 private:
  Database& database_;
  Clock clock_;
};

// What is wrong with a name or label for people; empty if nothing.
std::string label_problem(const std::string& label);

Json to_json(const KeyInfo& key);
Json to_json(const UsageRow& row);

}  // namespace melete
