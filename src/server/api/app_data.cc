#include "server/api/app_data.h"

#include "base/log.h"
#include "server/accounts/account_json.h"
#include "server/store/export.h"
#include "server/store/settings.h"

namespace melete {
namespace {

Reply show_settings(const AppServices& services, Exchange& exchange) {
  MELETE_ASSIGN_OR_RETURN(const Json settings,
                          Settings(services.store.database(), exchange.caller.user).get());
  return settings;
}

Reply put_settings(const AppServices& services, Exchange& exchange) {
  std::optional<ApiError> problem;
  const Json settings = read_json_body(exchange, problem);
  if (problem) return *problem;
  MELETE_RETURN_IF_ERROR(Settings(services.store.database(), exchange.caller.user).put(settings));
  return settings;
}

// A stream, since everything of somebody may be large; one that is cut was not whole.
void export_all(const AppServices& services, const ExchangePtr& exchange) {
  const auto query = parse_query(exchange->request.query);
  const auto format = query.find("format");
  const bool html = format != query.end() && format->second == "html";
  const auto user = services.accounts.get(exchange->caller.user);
  const auto account = user.ok() ? account_json(services.keys, *user) : Result<Json>(user.error());
  if (!account.ok()) return exchange->respond(openai_response(api_error(account.error())));
  exchange->begin_stream({{"Content-Type", html ? "text/html; charset=utf-8" : "application/json"},
                          {"Content-Disposition", html ? "attachment; filename=\"melete.html\""
                                                       : "attachment; filename=\"melete.json\""}});
  const TextSink out = [&](std::string_view piece) -> Status {
    if (exchange->put(std::string(piece))) return ok_status();
    return cancelled("[export] the client has gone");
  };
  const Status done = html ? export_html(services.store, user->id, user->name, out)
                           : export_json(services.store, user->id, *account, out);
  if (done.ok()) return exchange->end_stream();
  log_warn(done.error().message);
}

Reply import_all(const AppServices& services, Exchange& exchange) {
  MELETE_ASSIGN_OR_RETURN(const ImportCounts counts,
                          import_json(services.store, exchange.caller.user, exchange.request.body, "body"));
  return Json{{"files", counts.files},
              {"conversations", counts.conversations},
              {"responses", counts.responses},
              {"answers", counts.answers}};
}

}  // namespace

void add_data_routes(Router& router, const AppServices& services) {
  const Json settings = {{"type", "object"}};
  router.add({"GET",
              "/api/settings",
              Access::data,
              "what was chosen in the app",
              on_worker(services, show_settings),
              {},
              settings});
  router.add({"PUT", "/api/settings", Access::data, "replace all of it", on_worker(services, put_settings),
              settings, settings});
  Route all{"GET", "/api/export", Access::data, "everything of the caller's, as JSON or as a page",
            [&services](ExchangePtr exchange) {
              const Status status =
                  services.workers.submit({[&services, exchange] { export_all(services, exchange); }});
              if (!status.ok()) exchange->respond(openai_response(api_error(status.error())));
            }};
  all.response = Json{{"type", "object"}};
  all.query = {{"format", {{"enum", {"json", "html"}}}}};
  router.add(std::move(all));
  router.add({"POST", "/api/import", Access::data, "add what an export holds, all or nothing",
              on_worker(services, import_all), Json{{"type", "object"}}, schema_named("ImportCounts")});
}

}  // namespace melete
