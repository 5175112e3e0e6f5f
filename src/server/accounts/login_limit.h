// LoginLimit: how often one may try a password, for each account and for each address. In memory: a restart
// forgets, and costs an attacker more time than it gives.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/result.h"
#include "server/store/clock.h"

namespace melete {

class LoginLimit {
 public:
  struct Options {
    int per_account_and_address = 5;  // failed tries in a window
    int per_address = 30;
    int per_account = 100;  // higher: others must not lock a user out easily
    int64_t window_ms = 15 * 60 * 1000;
    size_t max_entries = 20'000;  // the oldest are forgotten
  };

  explicit LoginLimit(Clock clock = system_time_ms) : LoginLimit(std::move(clock), Options()) {}
  LoginLimit(Clock clock, Options options) : clock_(std::move(clock)), options_(options) {}

  // Counts a try before its password is looked at, so that many at once can't slip through. Errors:
  // exhausted, with the seconds to wait.
  Status begin(const std::string& account, const std::string& address);
  // Seconds until begin() lets a try through; 0: it does now.
  int64_t retry_after_s(const std::string& account, const std::string& address);
  // The try was right: it counts no longer, and earlier failures of this account from this address are
  // forgotten.
  void succeeded(const std::string& account, const std::string& address);

 private:
  struct Entry {
    int tries = 0;
    int64_t until_ms = 0;
  };
  std::array<std::pair<std::string, int>, 3> limits(const std::string& account,
                                                    const std::string& address) const;
  const Entry* full(const std::string& key, int limit, int64_t now) const;
  void make_room(int64_t now);

  const Clock clock_;
  const Options options_;
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace melete
