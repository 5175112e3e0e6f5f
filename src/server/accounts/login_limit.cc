#include "server/accounts/login_limit.h"

#include <algorithm>

namespace melete {
namespace {

// Lengths keep one name from being another with an address.
std::string pair_key(const std::string& account, const std::string& address) {
  return cat("p", account.size(), ":", account, address);
}

}  // namespace

void LoginLimit::make_room(int64_t now) {
  if (entries_.size() < options_.max_entries) return;
  std::erase_if(entries_, [&](const auto& entry) { return entry.second.until_ms <= now; });
  while (entries_.size() >= options_.max_entries)
    entries_.erase(std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
      return a.second.until_ms < b.second.until_ms;
    }));
}

std::array<std::pair<std::string, int>, 3> LoginLimit::limits(const std::string& account,
                                                              const std::string& address) const {
  return {std::pair(pair_key(account, address), options_.per_account_and_address),
          std::pair("a" + address, options_.per_address), std::pair("u" + account, options_.per_account)};
}

const LoginLimit::Entry* LoginLimit::full(const std::string& key, int limit, int64_t now) const {
  const auto found = entries_.find(key);
  const bool is_full =
      found != entries_.end() && found->second.until_ms > now && found->second.tries >= limit;
  return is_full ? &found->second : nullptr;
}

int64_t LoginLimit::retry_after_s(const std::string& account, const std::string& address) {
  const int64_t now = clock_();
  int64_t until_ms = now;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, limit] : limits(account, address))
    if (const Entry* entry = full(key, limit, now)) until_ms = std::max(until_ms, entry->until_ms);
  return (until_ms - now + 999) / 1000;
}

Status LoginLimit::begin(const std::string& account, const std::string& address) {
  const int64_t now = clock_();
  const std::lock_guard lock(mutex_);
  for (const auto& [key, limit] : limits(account, address))
    if (const Entry* entry = full(key, limit, now))
      return exhausted("[login] at most ", limit, " failed tries are allowed in ",
                       options_.window_ms / 60'000, " minutes, got more; try again in ",
                       (entry->until_ms - now + 999) / 1000, " s");
  for (const auto& [key, limit] : limits(account, address)) {
    make_room(now);
    Entry& entry = entries_[key];
    if (entry.until_ms <= now) entry = {0, now + options_.window_ms};
    ++entry.tries;
  }
  return ok_status();
}

void LoginLimit::succeeded(const std::string& account, const std::string& address) {
  const std::lock_guard lock(mutex_);
  entries_.erase(pair_key(account, address));
  for (const std::string& key : {"a" + address, "u" + account})
    if (const auto found = entries_.find(key); found != entries_.end() && found->second.tries > 0)
      --found->second.tries;
}

}  // namespace melete
