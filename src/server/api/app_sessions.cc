// Logging in and out, and the sessions that are open.
#include "base/build_info.h"
#include "server/api/app_accounts.h"

namespace melete {
namespace {

// "127.0.0.1" of "127.0.0.1:52044".
std::string address_of(const HttpRequest& request) {
  return request.client.substr(0, request.client.rfind(':'));
}

// Who asks, and what a page of ours needs to go on.
Reply session_reply(const AppServices& services, const Caller& caller, const std::string& token) {
  MELETE_ASSIGN_OR_RETURN(const bool identifies, services.gate.identifies());
  Json user = nullptr;
  if (caller.user != 0)
    user = Json{{"id", caller.user}, {"name", caller.name}, {"role", name_of(caller.role)}};
  return Json{{"user", std::move(user)},
              {"login_required", identifies},
              {"csrf_token", token.empty() ? Json() : Json(csrf_token(token))},
              {"artifacts_port", services.artifacts.port == 0 ? Json() : Json(services.artifacts.port)},
              {"version", build_version()}};
}

Reply show_session(const AppServices& services, Exchange& exchange) {
  const bool by_cookie = exchange.caller.kind == Caller::Kind::session;
  return session_reply(services, exchange.caller,
                       by_cookie ? services.gate.session_token(exchange.request) : "");
}

// JSON only: a form of another page can't send it.
bool is_json(const HttpRequest& request) {
  return request.header("content-type").substr(0, 16) == "application/json";
}

Reply log_in(const AppServices& services, Exchange& exchange) {
  if (!is_json(exchange.request))
    return ApiError{415, "the body must be application/json", "", "invalid_content_type"};
  std::optional<ApiError> problem;
  const Json json = read_json_body(exchange, problem);
  WireReader body(json, "", problem);
  const std::string name = body.required_text("name"), password = body.required_text("password");
  const std::string agent(exchange.request.header("user-agent"));
  const std::string label = body.text("label").value_or(agent.substr(0, 100));
  body.finish();
  if (problem) return *problem;
  MELETE_RETURN_IF_ERROR(services.accounts.remove_expired());
  const Result<NewSession> session =
      services.accounts.login(name, password, address_of(exchange.request), label);
  if (!session.ok() && session.error().kind == ErrorKind::invalid_argument)
    return ApiError{401, session.error().message, "", "invalid_credentials"};
  if (!session.ok() && session.error().kind == ErrorKind::exhausted)
    return ApiError{429, session.error().message, "", "too_many_logins",
                    services.accounts.login_retry_s(name, address_of(exchange.request))};
  if (!session.ok()) return session.error();
  const User& user = session->user;
  const Caller caller{Caller::Kind::session, user.id, user.name, user.role, Scopes::all(), "", session->id};
  return session_reply(services, caller, session->token).with("Set-Cookie", services.gate.cookie(*session));
}

Reply log_out(const AppServices& services, Exchange& exchange) {
  if (!exchange.caller.session.empty())
    MELETE_RETURN_IF_ERROR(services.accounts.end_session(exchange.caller.user, exchange.caller.session));
  return Reply::done().with("Set-Cookie", services.gate.ended_cookie());
}

Reply list_sessions(const AppServices& services, Exchange& exchange) {
  MELETE_ASSIGN_OR_RETURN(const auto sessions, services.accounts.sessions(exchange.caller.user));
  Json list = Json::array();
  for (const SessionInfo& session : sessions)
    list.push_back({{"id", session.id},
                    {"label", session.label},
                    {"created_ms", session.created_ms},
                    {"expires_ms", session.expires_ms},
                    {"current", session.id == exchange.caller.session}});
  return Json{{"sessions", std::move(list)}};
}

Reply end_session(const AppServices& services, Exchange& exchange) {
  MELETE_RETURN_IF_ERROR(
      services.accounts.end_session(exchange.caller.user, exchange.request.parameters.at("id")));
  return Reply::done();
}

// The other sessions of the account end; this one is replaced by a new one.
Reply change_password(const AppServices& services, Exchange& exchange) {
  std::optional<ApiError> problem;
  const Json json = read_json_body(exchange, problem);
  WireReader body(json, "", problem);
  const std::string wanted = body.required_text("new_password");
  const std::string current = body.text("current_password").value_or("");
  body.finish();
  if (problem) return *problem;
  MELETE_ASSIGN_OR_RETURN(const User user, services.accounts.get(exchange.caller.user));
  if (user.has_password) {
    const auto proof = services.accounts.login(user.name, current, address_of(exchange.request));
    if (!proof.ok()) return ApiError{403, proof.error().message, "current_password", "wrong_password"};
  }
  MELETE_RETURN_IF_ERROR(services.accounts.set_password(user.id, wanted));
  MELETE_ASSIGN_OR_RETURN(const NewSession session,
                          services.accounts.open_session(
                              user.id, std::string(exchange.request.header("user-agent")).substr(0, 100)));
  const Caller caller{Caller::Kind::session, user.id, user.name, user.role, Scopes::all(), "", session.id};
  return session_reply(services, caller, session.token).with("Set-Cookie", services.gate.cookie(session));
}

}  // namespace

void add_session_routes(Router& router, const AppServices& services) {
  const Json session = schema_named("Session");
  router.add({"GET",
              "/api/session",
              Access::anyone,
              "who asks, and whether to log in",
              on_worker(services, show_session),
              {},
              session});
  router.add({"POST", "/api/session", Access::anyone, "log in", on_worker(services, log_in),
              schema_named("Login"), session});
  router.add({"DELETE", "/api/session", Access::person, "log out", on_worker(services, log_out)});
  router.add({"GET",
              "/api/sessions",
              Access::person,
              "where one is logged in",
              on_worker(services, list_sessions),
              {},
              list_schema("sessions", "OpenSession")});
  router.add({"DELETE", "/api/sessions/{id}", Access::person, "log out elsewhere",
              on_worker(services, end_session)});
  router.add({"PUT", "/api/account/password", Access::person,
              "set the password, which ends all other sessions", on_worker(services, change_password),
              schema_named("NewPassword"), session});
}

}  // namespace melete
