// Charge: what one request costs its caller. A surface that makes answers reserves before it runs, and says
// what was used before it sends the answer; then usage and quotas are right whatever happens in between.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "server/accounts/quotas.h"

namespace melete {

class Charge {
 public:
  // The quotas outlive it.
  Charge(Quotas& quotas, Caller caller) : quotas_(quotas), caller_(std::move(caller)) {}
  // Settles.
  ~Charge();
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;

  // Counts the request, and keeps up to `max_tokens` of the caller's quotas for it; once, before anything
  // runs. Errors: exhausted (the quota, see Quotas::retry_after_s()), those of Database.
  Status reserve(int64_t max_tokens);
  // Tokens read or written; from any thread.
  void add(int64_t tokens) { used_ += tokens; }
  // What was added takes the place of what was reserved. Later calls do nothing.
  void settle();

  int64_t retry_after_s() const { return quotas_.retry_after_s(); }

 private:
  Quotas& quotas_;
  const Caller caller_;
  std::atomic<int64_t> used_ = 0;
  std::mutex mutex_;  // of the reservation
  std::optional<Reservation> reservation_;
};

}  // namespace melete
