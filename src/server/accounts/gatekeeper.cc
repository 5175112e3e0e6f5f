#include "server/accounts/gatekeeper.h"

#include <algorithm>

#include "base/ascii.h"
#include "server/accounts/charge.h"
#include "server/store/secret.h"

namespace melete {
namespace {

Accounts::Options reading(const Clock& clock) {
  Accounts::Options options;
  options.clock = clock;
  return options;
}

bool is_bearer(std::string_view header) {
  return header.size() > 7 && lower_ascii(header.substr(0, 7)) == "bearer ";
}

// As it was sent; empty if there is none. Another scheme than Bearer is a key that nobody has.
std::string key_in(const HttpRequest& request) {
  const std::string_view authorization = request.header("authorization");
  if (is_bearer(authorization)) return std::string(authorization.substr(7));
  return std::string(authorization.empty() ? request.header("x-api-key") : authorization);
}

bool is_safe(const std::string& method) { return method == "GET"; }

HttpProblem problem_of(const Error& error) {
  if (error.kind == ErrorKind::not_found) return {401, error.message, "invalid_credentials"};
  return {http_status(error.kind), error.message};
}

// Why a known caller may not use a route; empty if they may.
std::string refusal(Access access, const Caller& caller) {
  const auto needs = [&](Scope scope) -> std::string {
    if (caller.may(scope)) return {};
    if (!caller.scopes.has(scope)) return cat("the key must have the scope ", name_of(scope));
    return "only an admin may do this";
  };
  switch (access) {
    case Access::anyone: return {};
    case Access::generate: return needs(Scope::generate);
    case Access::data: return needs(Scope::data);
    case Access::chat: {
      std::string refused = needs(Scope::generate);
      return refused.empty() ? needs(Scope::data) : refused;
    }
    case Access::person: return caller.kind == Caller::Kind::key ? "no key may do this; log in instead" : "";
    case Access::admin: return needs(Scope::admin);
  }
  MELETE_CHECK(false);
}

}  // namespace

std::string csrf_token(const std::string& session_token) { return secret_hash(session_token, "csrf"); }

Gatekeeper::Gatekeeper(Database& database, std::unique_ptr<Database> own, const Options& options)
    : options_(options),
      quotas_(database, options.clock),
      own_(std::move(own)),
      accounts_(*own_, reading(options.clock)),
      keys_(*own_, options.clock),
      used_(*own_, options.clock) {}

Result<std::unique_ptr<Gatekeeper>> Gatekeeper::open(Database& database, const Options& options) {
  MELETE_ASSIGN_OR_RETURN(auto own, Database::open(database.path()));
  return std::unique_ptr<Gatekeeper>(new Gatekeeper(database, std::move(own), options));
}

// Each request asks: it is read again only when something has been committed, perhaps by another program.
Result<std::optional<Caller>> Gatekeeper::single_user() const {
  if (options_.identify) return std::optional<Caller>();
  const std::lock_guard lock(known_mutex_);
  const Database::Version version = own_->version();  // not after it is read, which may be after a commit
  if (version != known_version_) {
    MELETE_ASSIGN_OR_RETURN(known_single_user_, accounts_.single_user());
    known_version_ = version;
  }
  return known_single_user_;
}

Result<bool> Gatekeeper::identifies() const {
  MELETE_ASSIGN_OR_RETURN(const std::optional<Caller> single, single_user());
  return !single;
}

// Nobody, if the request doesn't say. Errors: not_found (wrong, expired, revoked).
Result<Caller> Gatekeeper::identify(const HttpRequest& request) const {
  MELETE_ASSIGN_OR_RETURN(std::optional<Caller> single, single_user());
  if (single) return *std::move(single);
  if (const std::string key = key_in(request); !key.empty()) return keys_.authenticate(key);
  if (const std::string token = session_token(request); !token.empty())
    return accounts_.authenticate_session(token);
  return Caller();
}

std::optional<HttpProblem> Gatekeeper::check(const Route& route, const Exchange& exchange) const {
  const Caller& caller = exchange.caller;
  if (route.access == Access::anyone) return std::nullopt;
  if (caller.user == 0)
    return HttpProblem{401, "log in, or send an API key as \"Authorization: Bearer KEY\"",
                       "missing_credentials"};
  if (std::string why = refusal(route.access, caller); !why.empty())
    return HttpProblem{403, std::move(why), "not_allowed"};
  const HttpRequest& request = exchange.request;
  if (caller.kind == Caller::Kind::session && !is_safe(route.method) &&
      !equal_secrets(request.header("x-csrf-token"), csrf_token(session_token(request))))
    return HttpProblem{
        403, "a session must send its x-csrf-token with what changes something; GET /api/session has it",
        "csrf_token"};
  return std::nullopt;
}

// Early, so that who has nothing left costs nothing; Charge::reserve() is exact.
std::optional<HttpProblem> Gatekeeper::check_quota(const Caller& caller) const {
  const Status allowed = used_.check(caller, 0);
  if (allowed.ok()) return std::nullopt;
  if (allowed.error().kind != ErrorKind::exhausted) return problem_of(allowed.error());
  return HttpProblem{429, allowed.error().message, "quota_exceeded", used_.retry_after_s()};
}

std::optional<HttpProblem> Gatekeeper::admit(const Route& route, Exchange& exchange) const {
  Result<Caller> caller = identify(exchange.request);
  if (!caller.ok() && route.access != Access::anyone) return problem_of(caller.error());
  if (caller.ok()) exchange.caller = *std::move(caller);
  if (auto problem = check(route, exchange)) return problem;
  if (exchange.caller.user != 0) exchange.note("user", exchange.caller.name);
  if (!exchange.caller.key.empty()) exchange.note("key", exchange.caller.key);
  const bool makes_answers =
      route.access == Access::chat || (route.access == Access::generate && !is_safe(route.method));
  if (!makes_answers) return std::nullopt;
  if (auto problem = check_quota(exchange.caller)) return problem;
  exchange.charge = std::make_shared<Charge>(quotas_, exchange.caller);
  return std::nullopt;
}

// __Host- makes browsers insist on Secure, on Path=/ and on this very host.
std::string Gatekeeper::session_token(const HttpRequest& request) const {
  const std::string name = options_.secure ? "__Host-melete_session=" : "melete_session=";
  std::string_view cookies = request.header("cookie");
  while (!cookies.empty()) {
    const size_t end = std::min(cookies.find(';'), cookies.size());
    std::string_view cookie = cookies.substr(0, end);
    cookie.remove_prefix(std::min(cookie.find_first_not_of(' '), cookie.size()));
    if (cookie.starts_with(name)) return std::string(cookie.substr(name.size()));
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
  }
  return {};
}

std::string Gatekeeper::cookie(const NewSession& session) const {
  const int64_t seconds = std::max<int64_t>(0, (session.expires_ms - options_.clock()) / 1000);
  return cat(options_.secure ? "__Host-melete_session=" : "melete_session=", session.token,
             "; Path=/; HttpOnly; SameSite=Strict; Max-Age=", seconds, options_.secure ? "; Secure" : "");
}

std::string Gatekeeper::ended_cookie() const { return cookie({"", "", 0, {}}); }

}  // namespace melete
