// Invitations: a code, shown once and kept as a hash, with which someone makes an account of a given role and
// quota, and gets an API key.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/accounts/keys.h"

namespace melete {

struct InvitationSpec {
  std::string label;  // for people, up to 100 bytes
  UserRole role = UserRole::user;
  int64_t uses = 1;  // 1 to 1,000,000 accounts
  Quota quota = {};  // of each account
  std::optional<int64_t> expires_ms = {};
};

struct InvitationInfo {
  std::string id, label;
  UserRole role = UserRole::user;
  int64_t uses_left = 0;
  Quota quota;
  int64_t created_ms = 0;
  std::optional<int64_t> expires_ms, revoked_ms;
};

struct NewInvitation {
  InvitationInfo info;
  std::string code;  // to be shown once
};

struct Redeemed {
  User user;
  NewKey key;  // scopes generate and data
};

class Invitations {
 public:
  Invitations(Database& database, Accounts& accounts, Clock clock = system_time_ms);

  // `maker` is the admin whose invitation it is.
  Result<NewInvitation> add(OwnerId maker, const InvitationSpec& spec);
  Result<std::vector<InvitationInfo>> list() const;
  Status revoke(const std::string& id);
  // Errors: not_found (no such code, used up, expired or revoked).
  Result<InvitationInfo> check(const std::string& code) const;
  // Makes the account and its first key, and takes one use, as a whole or not at all. Without a password the
  // account has only keys. Errors: those of check(), invalid_argument (name, password).
  Result<Redeemed> redeem(const std::string& code, const std::string& name,
                          const std::optional<std::string>& password);

 private:
  Database& database_;
  Accounts& accounts_;
  Clock clock_;
};

Json to_json(const InvitationInfo& invitation);

}  // namespace melete
