// Gatekeeper: who makes a request, and whether they may: the one place that enforces a route's Access.
//
// Single-user mode: as long as there is only the local owner without a password and no key, every request is
// the local owner's. Else a caller is known by a key ("Authorization: Bearer KEY", or "x-api-key: KEY") or by
// the cookie of a session. With a cookie, whatever changes something must also bring the session's CSRF token
// in the header x-csrf-token, which no page elsewhere can read.
//
// Reads through a database connection of its own, so that no writer makes it wait: it may be called on the
// server's thread.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "server/accounts/keys.h"
#include "server/accounts/quotas.h"
#include "server/http/router.h"

namespace melete {

class Gatekeeper {
 public:
  struct Options {
    bool identify = false;  // never in single-user mode: others can reach the server
    bool secure = false;    // served over TLS: so is the cookie, always
    Clock clock = system_time_ms;
  };

  // `database` is what charges are written to; it outlives the gatekeeper. Errors: those of Database::open.
  static Result<std::unique_ptr<Gatekeeper>> open(Database& database, const Options& options);

  // Sets exchange.caller, and exchange.charge where answers are made. The problem if the caller is nobody
  // known (401), may not (403) or has used up a quota (429).
  std::optional<HttpProblem> admit(const Route& route, Exchange& exchange) const;

  // Whether callers must say who they are.
  Result<bool> identifies() const;

  // The session's token in the request's cookie; empty if there is none.
  std::string session_token(const HttpRequest& request) const;
  // Set-Cookie: of a new session, and of one that has ended.
  std::string cookie(const NewSession& session) const;
  std::string ended_cookie() const;

 private:
  Gatekeeper(Database& database, std::unique_ptr<Database> own, const Options& options);
  Result<std::optional<Caller>> single_user() const;
  Result<Caller> identify(const HttpRequest& request) const;
  std::optional<HttpProblem> check(const Route& route, const Exchange& exchange) const;
  std::optional<HttpProblem> check_quota(const Caller& caller) const;

  const Options options_;
  mutable Quotas quotas_;  // to write
  std::unique_ptr<Database> own_;
  Accounts accounts_;  // to read, as the others below
  Keys keys_;
  Quotas used_;
  mutable std::mutex known_mutex_;
  mutable std::optional<Database::Version>
      known_version_;  // of the database when known_single_user_ was read
  mutable std::optional<Caller> known_single_user_;
};

// What a page of ours sends back in x-csrf-token.
std::string csrf_token(const std::string& session_token);

}  // namespace melete
