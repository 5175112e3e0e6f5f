// What is known of an account besides its data, for exports.
#pragma once

#include "server/accounts/keys.h"

namespace melete {

// The user, their keys and what was used; no secrets, not even their hashes.
Result<Json> account_json(const Keys& keys, const User& user);

}  // namespace melete
