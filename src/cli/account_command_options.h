// What the commands on the data folder share: `user`, `key`, `invite` and `data`.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/accounts/accounts.h"
#include "server/store/store.h"

namespace melete {

struct DataOptions {
  std::string folder;
  bool json = false;

  void declare(CLI::App& app);
  // The data folder's store, made if there is none.
  Result<std::unique_ptr<Store>> open() const;
  // `value` with --json, else the rows.
  void print(const Json& value, const std::vector<std::vector<std::string>>& rows) const;
};

struct QuotaOptions {
  std::optional<int64_t> requests_per_day, tokens_per_day;
  std::optional<int64_t> expires_days;

  // with_expiry: --expires-days too.
  void declare(CLI::App& app, bool with_expiry = true);
  Quota quota() const { return {requests_per_day, tokens_per_day}; }
  std::optional<int64_t> expires_ms() const;
};

// "none" or the number.
std::string limit_text(const std::optional<int64_t>& limit);
// "2026-11-21 19:48" (UTC), or "never".
std::string time_text(const std::optional<int64_t>& time_ms);

// A password from the terminal, without echo, asked twice; or the first line of stdin if that is no terminal.
// Errors: invalid_argument (two different ones, or no line).
Result<std::string> read_new_password(const std::string& whose);

}  // namespace melete
