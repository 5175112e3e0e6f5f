// Users and invitations, for admins; and using an invitation, for whoever has a code.
#include "server/api/app_accounts.h"

namespace melete {
namespace {

Reply list_users(const AppServices& services, Exchange&) {
  MELETE_ASSIGN_OR_RETURN(const auto users, services.accounts.list());
  Json list = Json::array();
  for (const User& user : users) list.push_back(to_json(user));
  return Json{{"users", std::move(list)}};
}

UserRole read_role(WireReader& body) {
  return body.choice("role", {"user", "admin"}) == size_t{1} ? UserRole::admin : UserRole::user;
}

Reply add_user(const AppServices& services, Exchange& exchange) {
  std::optional<ApiError> problem;
  const Json json = read_json_body(exchange, problem);
  WireReader body(json, "", problem);
  const std::string name = body.required_text("name");
  const UserRole role = read_role(body);
  const auto password = body.text("password");
  const Quota quota = read_quota(body);
  body.finish();
  if (problem) return *problem;
  if (const auto locked = would_lock_out(services, exchange.caller)) return *locked;
  MELETE_ASSIGN_OR_RETURN(const User user, services.accounts.add(name, role, password, quota));
  return to_json(user);
}

Result<User> named_user(const AppServices& services, const Exchange& exchange) {
  return services.accounts.find(exchange.request.parameters.at("name"));
}

Reply limit_user(const AppServices& services, Exchange& exchange) {
  std::optional<ApiError> problem;
  const Json json = read_json_body(exchange, problem);
  WireReader body(json, "", problem);
  const Quota quota = read_quota(body);
  body.finish();
  if (problem) return *problem;
  MELETE_ASSIGN_OR_RETURN(const User user, named_user(services, exchange));
  MELETE_RETURN_IF_ERROR(services.accounts.set_quota(user.id, quota));
  MELETE_ASSIGN_OR_RETURN(const User changed, services.accounts.get(user.id));
  return to_json(changed);
}

Reply remove_user(const AppServices& services, Exchange& exchange) {
  MELETE_ASSIGN_OR_RETURN(const User user, named_user(services, exchange));
  MELETE_RETURN_IF_ERROR(services.accounts.remove(user.id));
  return Reply::done();
}

Reply list_invitations(const AppServices& services, Exchange&) {
  MELETE_ASSIGN_OR_RETURN(const auto invitations, services.invitations.list());
  Json list = Json::array();
  for (const InvitationInfo& invitation : invitations) list.push_back(to_json(invitation));
  return Json{{"invitations", std::move(list)}};
}

Reply add_invitation(const AppServices& services, Exchange& exchange) {
  std::optional<ApiError> problem;
  const Json json = read_json_body(exchange, problem);
  WireReader body(json, "", problem);
  InvitationSpec spec;
  spec.label = body.text("label").value_or("");
  spec.role = read_role(body);
  spec.uses = body.integer("uses", 1, 1'000'000).value_or(1);
  spec.quota = read_quota(body);
  spec.expires_ms = body.integer("expires_ms", 0, int64_t{1} << 50);
  body.finish();
  if (problem) return *problem;
  MELETE_ASSIGN_OR_RETURN(const NewInvitation made, services.invitations.add(exchange.caller.user, spec));
  return Json{{"invitation", to_json(made.info)}, {"code", made.code}};
}

Reply revoke_invitation(const AppServices& services, Exchange& exchange) {
  MELETE_RETURN_IF_ERROR(services.invitations.revoke(exchange.request.parameters.at("id")));
  return Reply::done();
}

Reply redeem(const AppServices& services, Exchange& exchange) {
  std::optional<ApiError> problem;
  const Json json = read_json_body(exchange, problem);
  WireReader body(json, "", problem);
  const std::string code = body.required_text("code"), name = body.required_text("name");
  const auto password = body.text("password");
  body.finish();
  if (problem) return *problem;
  MELETE_ASSIGN_OR_RETURN(const Redeemed redeemed, services.invitations.redeem(code, name, password));
  return Json{
      {"user", to_json(redeemed.user)}, {"key", to_json(redeemed.key.info)}, {"secret", redeemed.key.secret}};
}

}  // namespace

void add_admin_routes(Router& router, const AppServices& services) {
  const Json user = schema_named("User");
  router.add({"GET",
              "/api/users",
              Access::admin,
              "all users",
              on_worker(services, list_users),
              {},
              list_schema("users", "User")});
  router.add({"POST", "/api/users", Access::admin, "add a user", on_worker(services, add_user),
              schema_named("NewUser"), user});
  router.add({"PUT", "/api/users/{name}/quota", Access::admin, "limit what a user may use a day",
              on_worker(services, limit_user), schema_named("Quota"), user});
  router.add({"DELETE", "/api/users/{name}", Access::admin, "delete a user with all that is theirs",
              on_worker(services, remove_user)});
  router.add({"GET",
              "/api/invitations",
              Access::admin,
              "all invitations",
              on_worker(services, list_invitations),
              {},
              list_schema("invitations", "Invitation")});
  router.add({"POST", "/api/invitations", Access::admin, "invite, with a code that is shown once",
              on_worker(services, add_invitation), schema_named("NewInvitation"),
              schema_named("MadeInvitation")});
  router.add({"DELETE", "/api/invitations/{id}", Access::admin, "revoke an invitation",
              on_worker(services, revoke_invitation)});
  router.add({"POST", "/api/invitations/redeem", Access::anyone, "make an account with a code",
              on_worker(services, redeem), schema_named("Redemption"), schema_named("Redeemed")});
}

}  // namespace melete
