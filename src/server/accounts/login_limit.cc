#include "server/accounts/login_limit.h"

#include <algorithm>
#include <array>

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

Status LoginLimit::begin(const std::string& account, const std::string& address) {
  const int64_t now = clock_();
  const std::lock_guard lock(mutex_);
  const std::array limits = {std::pair(pair_key(account, address), options_.per_account_and_address),
                             std::pair("a" + address, options_.per_address),
                             std::pair("u" + account, options_.per_account)};
  for (const auto& [key, limit] : limits) {
    const auto found = entries_.find(key);
    if (found != entries_.end() && found->second.until_ms > now && found->second.tries >= limit)
      return exhausted("[login] at most ", limit, " failed tries are allowed in ",
                       options_.window_ms / 60'000, " minutes, got more; try again in ",
                       (found->second.until_ms - now + 999) / 1000, " s");
  }
  for (const auto& [key, limit] : limits) {
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
