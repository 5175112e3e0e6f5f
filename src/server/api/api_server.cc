#include "server/api/api_server.h"

#include "base/build_info.h"
#include "server/api/chat_schema.h"
#include "server/api/messages_schema.h"
#include "server/api/models_wire.h"
#include "server/api/openapi.h"
#include "server/app/app_pages.h"

namespace melete {
namespace {

// Reading requests is decoding and parsing: a few threads do for many answers.
constexpr int kReaders = 4;
// The app's handlers wait for the database, and passwords take a while.
constexpr int kAppWorkers = 4;
// Whoever opens artifacts asks once each.
constexpr size_t kFrameConnections = 64;

HttpResponse plain_text(std::string text) {
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = std::move(text);
  return response;
}

int64_t now_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string models_text(const ModelList& models, int64_t created_s) {
  Json data = Json::array();
  for (const std::string& id : models.ids()) data.push_back(model_json(id, **models.find(id), created_s));
  return Json{{"object", "list"}, {"data", std::move(data)}}.dump();
}

// What a former server of this folder left behind is put right before anyone is let in.
Result<std::unique_ptr<Gatekeeper>> prepare(Store& store, const ApiServerOptions& options) {
  MELETE_RETURN_IF_ERROR(store.claim());
  MELETE_RETURN_IF_ERROR(Quotas(store.database(), store.clock()).recover());
  Accounts::Options accounts;
  accounts.clock = store.clock();
  MELETE_RETURN_IF_ERROR(Accounts(store.database(), accounts).remove_expired());
  return Gatekeeper::open(store.database(),
                          {options.identify, !options.http.certificate.empty(), store.clock()});
}

}  // namespace

ApiServer::ApiServer(const ApiServerOptions& options, ModelList models, Store& store,
                     std::unique_ptr<Gatekeeper> gate)
    : created_s_(now_s()),
      models_(std::move(models)),
      models_body_(models_text(models_, created_s_)),
      gate_(std::move(gate)),
      app_(store, options.password_cost, *gate_, models_, identities_, app_workers_, runners_, metrics_,
           place_),
      identities_(options.model_paths),
      responses_({models_, identities_, store}, readers_, runners_, metrics_),
      replay_(models_, identities_, store, readers_, runners_, metrics_),
      readers_(kReaders, options.max_waiting),
      runners_(options.max_running, options.max_waiting),
      app_workers_(kAppWorkers, options.max_waiting),
      answers_(models_, readers_, runners_, metrics_),
      embeddings_(models_, runners_),
      tokenize_(models_, readers_),
      router_(
          [](std::string_view path, const HttpProblem& problem) {
            return error_response(path,
                                  {problem.status, problem.message, "", problem.code, problem.retry_after_s});
          },
          [this](const Route& route, Exchange& exchange) { return gate_->admit(route, exchange); }) {
  add_routes();
}

ApiServer::~ApiServer() { stop(std::chrono::milliseconds(0)); }

Result<std::unique_ptr<ApiServer>> ApiServer::start(const ApiServerOptions& options, ModelList models,
                                                    Store& store) {
  MELETE_ASSIGN_OR_RETURN(auto gate, prepare(store, options));
  std::unique_ptr<ApiServer> server(new ApiServer(options, std::move(models), store, std::move(gate)));
  MELETE_RETURN_IF_ERROR(server->listen(options));
  return server;
}

Status ApiServer::listen(const ApiServerOptions& options) {
  MELETE_ASSIGN_OR_RETURN(http_, HttpServer::bind(options.http, router_));
  HttpOptions beside = options.http;
  beside.limits.max_body_bytes = 0;
  beside.limits.max_connections = kFrameConnections;
  const uint16_t next = options.http.port == 0 || options.http.port == UINT16_MAX ? 0 : options.http.port + 1;
  beside.port = options.artifacts_port.value_or(next);
  auto artifacts = HttpServer::bind(beside, frame_);
  if (!artifacts.ok() && !options.artifacts_port && beside.port != 0) {
    beside.port = 0;
    artifacts = HttpServer::bind(beside, frame_);
  }
  MELETE_ASSIGN_OR_RETURN(artifacts_, std::move(artifacts));
  const bool secure = !options.http.certificate.empty();
  place_ = {artifacts_->port(), secure};
  frame_.set_app(http_->port(), secure);
  artifacts_->start();
  http_->start();
  return ok_status();
}

void ApiServer::stop(std::chrono::milliseconds grace) {
  if (artifacts_) artifacts_->stop(std::chrono::milliseconds(0));
  if (http_) http_->stop(grace);
  app_.stop_answers();
  responses_.stop();
}

void ApiServer::add_routes() {
  add_app_pages(router_, place_);
  app_.add_routes(router_);
  responses_.add_routes(router_);
  replay_.add_routes(router_);
  const Json status = {{"type", "object"}, {"properties", {{"status", {{"type", "string"}}}}}};
  const auto ok = [](const ExchangePtr& exchange) { exchange->respond(200, {{"status", "ok"}}); };
  router_.add({"GET", "/healthz", Access::anyone, "whether the process answers", ok, {}, status});
  router_.add(
      {"GET", "/readyz", Access::anyone, "whether models are loaded and take questions", ok, {}, status});
  router_.add({"GET",
               "/v1/models",
               Access::generate,
               "all models and modes, with what they can do",
               [this](const ExchangePtr& exchange) {
                 exchange->respond({200, models_body_});
               },
               {},
               models_schema()});
  router_.add({"GET",
               "/v1/models/{id}",
               Access::generate,
               "one model or mode",
               [this](const ExchangePtr& exchange) { show_model(*exchange); },
               {},
               model_schema()});
  add_answer_routes();
  router_.add({"GET",
               "/metrics",
               Access::anyone,
               "counters for Prometheus, as text",
               [this](const ExchangePtr& exchange) { exchange->respond(plain_text(metrics_text())); },
               {},
               {},
               {},
               {},
               "text/plain"});
  router_.add({"GET",
               "/openapi.json",
               Access::anyone,
               "this description",
               [this](const ExchangePtr& exchange) {
                 exchange->respond(200, openapi_json(router_.routes(), app_schemas()));
               },
               {},
               {{"type", "object"}}});
}

void ApiServer::add_answer_routes() {
  router_.add({"POST", "/v1/chat/completions", Access::generate,
               "answer a conversation, as OpenAI's API does",
               [this](ExchangePtr exchange) { answers_.handle(std::move(exchange), chat_); },
               chat_request_schema(), chat_completion_schema()});
  router_.add({"POST", "/v1/embeddings", Access::generate, "texts as vectors, as OpenAI's API gives them",
               [this](ExchangePtr exchange) { embeddings_.handle(std::move(exchange)); },
               embeddings_request_schema(), embeddings_schema()});
  router_.add({"POST", "/v1/tokenize", Access::generate, "a text as the model's tokens",
               [this](ExchangePtr exchange) { tokenize_.handle(std::move(exchange)); },
               tokenize_request_schema(), tokens_schema()});
  router_.add({"POST", "/v1/messages", Access::generate, "answer a conversation, as Anthropic's API does",
               [this](ExchangePtr exchange) { answers_.handle(std::move(exchange), messages_); },
               messages_request_schema(), message_schema()});
  router_.add({"POST", "/v1/messages/count_tokens", Access::generate, "how many tokens a conversation has",
               [this](ExchangePtr exchange) { answers_.count(std::move(exchange), counted_messages_); },
               count_request_schema(), count_schema()});
}

void ApiServer::show_model(Exchange& exchange) const {
  const std::string& id = exchange.request.parameters.at("id");
  const auto model = models_.find(id);
  if (!model.ok())
    return exchange.respond(openai_response({404, model.error().message, "model", "model_not_found"}));
  exchange.respond(200, model_json(id, **model, created_s_));
}

std::string ApiServer::metrics_text() const {
  const HttpCounts counts = http_->counts();
  const auto number = [](int64_t count) { return static_cast<double>(count); };
  std::string text = metrics_.text();
  text += metric_text("melete_http_requests_total", "counter", number(counts.requests));
  text += metric_text("melete_http_connections_total", "counter", number(counts.connections));
  text += metric_text("melete_http_refused_connections_total", "counter", number(counts.refused_connections));
  text += metric_text("melete_http_received_bytes_total", "counter", number(counts.bytes_in));
  text += metric_text("melete_http_sent_bytes_total", "counter", number(counts.bytes_out));
  text += metric_text("melete_http_connections", "gauge", number(counts.open_connections));
  text += metric_text("melete_http_streams", "gauge", number(counts.open_streams));
  text += metric_text("melete_answers_running", "gauge", number(runners_.num_running()));
  text += metric_text("melete_answers_waiting", "gauge", number(runners_.num_waiting()));
  return text + engine_metrics_text(models_);
}

}  // namespace melete
