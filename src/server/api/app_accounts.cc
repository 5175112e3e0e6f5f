// What a person has: keys, what they used, what is left.
#include "server/api/app_accounts.h"

namespace melete {
namespace {

constexpr int64_t kMaxQuota = int64_t{1} << 50;

Reply show_account(const AppServices& services, Exchange& exchange) {
  MELETE_ASSIGN_OR_RETURN(const User user, services.accounts.get(exchange.caller.user));
  MELETE_ASSIGN_OR_RETURN(const QuotaLeft left,
                          Quotas(services.store.database(), services.store.clock()).left(exchange.caller));
  MELETE_ASSIGN_OR_RETURN(const int64_t bytes, services.store.files(user.id).total_bytes());
  const auto number = [](const std::optional<int64_t>& limit) { return limit ? Json(*limit) : Json(); };
  return Json{
      {"user", to_json(user)},
      {"left",
       {{"requests", number(left.requests)}, {"tokens", number(left.tokens)}, {"reset_ms", left.reset_ms}}},
      {"file_bytes", bytes}};
}

Reply show_usage(const AppServices& services, Exchange& exchange) {
  std::optional<ApiError> problem;
  const auto days = query_number(parse_query(exchange.request.query), "days", 1, 3660, problem);
  if (problem) return *problem;
  const int64_t today = services.store.clock()() / kDayMs;
  MELETE_ASSIGN_OR_RETURN(const auto rows,
                          services.keys.usage(exchange.caller.user, today - days.value_or(30) + 1));
  Json list = Json::array();
  for (const UsageRow& row : rows) list.push_back(to_json(row));
  return Json{{"usage", std::move(list)}};
}

Reply list_keys(const AppServices& services, Exchange& exchange) {
  MELETE_ASSIGN_OR_RETURN(const auto keys, services.keys.list(exchange.caller.user));
  Json list = Json::array();
  for (const KeyInfo& key : keys) list.push_back(to_json(key));
  return Json{{"keys", std::move(list)}};
}

Scopes read_scopes(WireReader& body) {
  const Json* list = body.array("scopes");
  if (!list) return {Scope::generate};
  Scopes scopes;
  for (const Json& each : *list) {
    const Result<Scopes> scope = parse_scopes(each.is_string() ? each.get<std::string>() : "none");
    if (!scope.ok())
      body.fail("scopes", "invalid_value", cat("must be of ", to_text(Scopes::all())));
    else
      for (const Scope one : kScopes)
        if (scope->has(one)) scopes.add(one);
  }
  return scopes;
}

Reply add_key(const AppServices& services, Exchange& exchange) {
  std::optional<ApiError> problem;
  const Json json = read_json_body(exchange, problem);
  WireReader body(json, "", problem);
  KeySpec spec;
  spec.name = body.required_text("name");
  spec.scopes = read_scopes(body);
  spec.quota = read_quota(body);
  spec.expires_ms = body.integer("expires_ms", 0, kMaxQuota);
  body.finish();
  if (problem) return *problem;
  if (const auto locked = would_lock_out(services, exchange.caller)) return *locked;
  MELETE_ASSIGN_OR_RETURN(const NewKey key, services.keys.add(exchange.caller.user, spec));
  return Json{{"key", to_json(key.info)}, {"secret", key.secret}};
}

Reply revoke_key(const AppServices& services, Exchange& exchange) {
  MELETE_RETURN_IF_ERROR(services.keys.revoke(exchange.caller.user, exchange.request.parameters.at("id")));
  return Reply::done();
}

}  // namespace

Quota read_quota(WireReader& body) {
  return {body.integer("requests_per_day", 0, kMaxQuota), body.integer("tokens_per_day", 0, kMaxQuota)};
}

std::optional<ApiError> would_lock_out(const AppServices& services, const Caller& caller) {
  if (caller.kind != Caller::Kind::local) return std::nullopt;
  const Result<User> user = services.accounts.get(caller.user);
  if (!user.ok()) return api_error(user.error());
  if (user->has_password) return std::nullopt;
  return ApiError{
      409,
      "with this, callers must say who they are from then on: first set a password to log in with "
      "(PUT /api/account/password)",
      "", "password_needed"};
}

void add_account_routes(Router& router, const AppServices& services) {
  router.add({"GET",
              "/api/account",
              Access::data,
              "the account, and what is left of its quotas",
              on_worker(services, show_account),
              {},
              schema_named("Account")});
  Route usage{"GET", "/api/usage", Access::data, "requests and tokens a day and key",
              on_worker(services, show_usage)};
  usage.response = list_schema("usage", "Usage");
  usage.query = {{"days", {{"type", "integer"}, {"minimum", 1}, {"default", 30}}}};
  router.add(std::move(usage));
  router.add({"GET",
              "/api/keys",
              Access::person,
              "one's keys",
              on_worker(services, list_keys),
              {},
              list_schema("keys", "Key")});
  router.add({"POST", "/api/keys", Access::person, "make a key, which is shown once",
              on_worker(services, add_key), schema_named("NewKey"), schema_named("MadeKey")});
  router.add({"DELETE", "/api/keys/{id}", Access::person, "revoke a key", on_worker(services, revoke_key)});
}

}  // namespace melete
