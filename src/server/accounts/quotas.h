// Quotas that block: a request reserves what it may cost before it runs and settles what it did cost after.
//
// Both the key's quota and its user's (over all keys and sessions) hold. Checking and reserving is one
// transaction, so many requests at once can't pass a limit together, in this process or another.
#pragma once

#include <string>
#include <utility>

#include "server/accounts/accounts.h"

namespace melete {

class Quotas;

// What one request may still cost. If settle() is never called all of it is charged.
class Reservation {
 public:
  Reservation(Reservation&& other) noexcept
      : quotas_(std::exchange(other.quotas_, nullptr)),
        owner_(other.owner_),
        key_(std::move(other.key_)),
        day_(other.day_),
        tokens_(other.tokens_) {}
  Reservation& operator=(Reservation&&) = delete;
  ~Reservation();
  // Charges what was used, which may be more or less than reserved. Once.
  Status settle(int64_t tokens);

 private:
  friend class Quotas;
  Reservation(Quotas& quotas, OwnerId owner, std::string key, int64_t day, int64_t tokens)
      : quotas_(&quotas), owner_(owner), key_(std::move(key)), day_(day), tokens_(tokens) {}
  Quotas* quotas_;
  OwnerId owner_;
  std::string key_;
  int64_t day_, tokens_;
};

// What is left of today, the smaller of the key's and the user's; none: no limit.
struct QuotaLeft {
  std::optional<int64_t> requests, tokens;
  int64_t reset_ms = 0;  // when the next day begins
};

class Quotas {
 public:
  explicit Quotas(Database& database, Clock clock = system_time_ms);

  // Counts one request and reserves `max_tokens`. Errors: exhausted, saying which quota and when it resets.
  // The quotas outlive the reservation.
  Result<Reservation> reserve(const Caller& caller, int64_t max_tokens);
  Result<QuotaLeft> left(const Caller& caller) const;
  // Whether a request of so many tokens could be reserved now. Errors: as reserve().
  Status check(const Caller& caller, int64_t max_tokens) const;
  // Seconds until the next day begins (UTC), at least one.
  int64_t retry_after_s() const;
  // Called by the one server of a data folder when it starts: what a former one had reserved is free again.
  Status recover();

 private:
  friend class Reservation;
  struct Limits {
    Quota user, key;
  };
  struct Used {
    int64_t requests = 0, tokens = 0;  // tokens with those reserved
  };
  Result<Limits> limits(const Caller& caller) const;
  Result<Used> used(const Caller& caller, int64_t day, bool key_only) const;
  Status settle(OwnerId owner, const std::string& key, int64_t day, int64_t reserved, int64_t tokens);

  Database& database_;
  Clock clock_;
};

}  // namespace melete
