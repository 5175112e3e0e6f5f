// Passwords as argon2id strings (RFC 9106) by libsodium.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace melete {

struct PasswordCost {
  uint64_t operations = 2;
  uint64_t memory_bytes = uint64_t{64} << 20;
};

// Empty if usable: 8 to 1024 bytes of UTF-8.
std::string password_problem(std::string_view password);

// Takes about a tenth of a second and cost.memory_bytes. Errors: unavailable (not so much memory).
Result<std::string> hash_password(std::string_view password, const PasswordCost& cost = {});

// False too if `hash` is no such string. At most two are checked at once, the others wait.
bool password_matches(std::string_view password, const std::string& hash);

}  // namespace melete
