#include "server/accounts/quotas.h"

#include <algorithm>

#include "base/log.h"

namespace melete {
namespace {

std::optional<int64_t> smaller(const std::optional<int64_t>& a, const std::optional<int64_t>& b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

std::optional<int64_t> left_of(const std::optional<int64_t>& limit, int64_t used) {
  if (!limit) return std::nullopt;
  return std::max<int64_t>(0, *limit - used);
}

}  // namespace

Reservation::~Reservation() {
  if (quotas_ == nullptr) return;
  if (const Status settled = settle(tokens_); !settled.ok()) log_warn(settled.error().message);
}

Status Reservation::settle(int64_t tokens) {
  MELETE_CHECK(quotas_ != nullptr, "settled twice");
  return std::exchange(quotas_, nullptr)->settle(owner_, key_, day_, tokens_, std::max<int64_t>(0, tokens));
}

Quotas::Quotas(Database& database, Clock clock) : database_(database), clock_(std::move(clock)) {}

Result<Quotas::Limits> Quotas::limits(const Caller& caller) const {
  MELETE_ASSIGN_OR_RETURN(Statement find,
                          Owned(database_, caller.user)
                              .prepare("reading quotas",
                                       "SELECT u.requests_per_day, u.tokens_per_day, k.requests_per_day, "
                                       "k.tokens_per_day FROM users u "
                                       "LEFT JOIN api_keys k ON k.owner = ?1 AND k.id = ?2 WHERE u.id = ?1",
                                       caller.key));
  MELETE_ASSIGN_OR_RETURN(const bool found, find.step());
  if (!found) return not_found("[quota] the user must exist, got one that was deleted");
  return Limits{{find.optional_integer(0), find.optional_integer(1)},
                {find.optional_integer(2), find.optional_integer(3)}};
}

Result<Quotas::Used> Quotas::used(const Caller& caller, int64_t day, bool key_only) const {
  constexpr const char* kSum =
      "SELECT coalesce(sum(requests), 0), coalesce(sum(tokens + reserved), 0) FROM usage "
      "WHERE owner = ?1 AND day = ?2 AND (key = ?3 OR NOT ?4)";
  const Owned owned(database_, caller.user);
  MELETE_ASSIGN_OR_RETURN(Statement sum, owned.prepare("reading usage", kSum, day, caller.key, key_only));
  MELETE_RETURN_IF_ERROR(sum.step());
  return Used{sum.integer(0), sum.integer(1)};
}

Result<QuotaLeft> Quotas::left(const Caller& caller) const {
  const int64_t day = clock_() / kDayMs;
  MELETE_ASSIGN_OR_RETURN(const Limits limit, limits(caller));
  MELETE_ASSIGN_OR_RETURN(const Used of_user, used(caller, day, false));
  MELETE_ASSIGN_OR_RETURN(const Used of_key, used(caller, day, true));
  return QuotaLeft{smaller(left_of(limit.user.requests_per_day, of_user.requests),
                           left_of(limit.key.requests_per_day, of_key.requests)),
                   smaller(left_of(limit.user.tokens_per_day, of_user.tokens),
                           left_of(limit.key.tokens_per_day, of_key.tokens)),
                   (day + 1) * kDayMs};
}

Status Quotas::check(const Caller& caller, int64_t max_tokens) const {
  MELETE_ASSIGN_OR_RETURN(const QuotaLeft rest, left(caller));
  const bool no_requests = rest.requests && *rest.requests < 1, no_tokens = rest.tokens && *rest.tokens < 1;
  if (no_requests || no_tokens)
    return exhausted("[quota] today's ", no_requests ? "requests" : "tokens",
                     " must not be used up, got none left; try again in ", retry_after_s(), " s");
  if (rest.tokens && *rest.tokens < max_tokens)
    return exhausted("[quota] today's tokens must suffice for the request, got ", *rest.tokens,
                     " left and up to ", max_tokens, " needed; ask for fewer, or try again in ",
                     retry_after_s(), " s");
  return ok_status();
}

Result<Reservation> Quotas::reserve(const Caller& caller, int64_t max_tokens) {
  max_tokens = std::max<int64_t>(0, max_tokens);
  const int64_t day = clock_() / kDayMs;
  constexpr const char* kReserve =
      "INSERT INTO usage(owner, day, key, requests, reserved) VALUES (?1, ?2, ?3, 1, ?4) "
      "ON CONFLICT DO UPDATE SET requests = requests + 1, reserved = reserved + excluded.reserved";
  MELETE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(database_, "checking a quota"));
  MELETE_RETURN_IF_ERROR(check(caller, max_tokens));
  const Owned owned(database_, caller.user);
  MELETE_RETURN_IF_ERROR(owned.run("reserving tokens", kReserve, day, caller.key, max_tokens));
  MELETE_RETURN_IF_ERROR(transaction.commit());
  return Reservation(*this, caller.user, caller.key, day, max_tokens);
}

int64_t Quotas::retry_after_s() const { return (kDayMs - clock_() % kDayMs + 999) / 1000; }

Status Quotas::settle(OwnerId owner, const std::string& key, int64_t day, int64_t reserved, int64_t tokens) {
  MELETE_RETURN_IF_ERROR(Owned(database_, owner)
                             .run("counting tokens",
                                  "UPDATE usage SET tokens = tokens + ?5, reserved = max(0, reserved - ?4) "
                                  "WHERE owner = ?1 AND day = "
                                  "?2 AND key = ?3",
                                  day, key, reserved, tokens));
  return ok_status();
}

Status Quotas::recover() {
  MELETE_RETURN_IF_ERROR(
      database_.run("freeing what was reserved", "UPDATE usage SET reserved = 0 WHERE reserved != 0"));
  return ok_status();
}

}  // namespace melete
