#include "server/accounts/charge.h"

#include "base/log.h"

namespace melete {

Charge::~Charge() { settle(); }

Status Charge::reserve(int64_t max_tokens) {
  MELETE_ASSIGN_OR_RETURN(Reservation reservation, quotas_.reserve(caller_, max_tokens));
  const std::lock_guard lock(mutex_);
  MELETE_CHECK(!reservation_, "reserved twice");
  reservation_.emplace(std::move(reservation));
  return ok_status();
}

void Charge::settle() {
  const std::lock_guard lock(mutex_);
  if (!reservation_) return;
  if (const Status settled = reservation_->settle(used_); !settled.ok()) log_warn(settled.error().message);
  reservation_.reset();
}

}  // namespace melete
