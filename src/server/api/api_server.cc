#include "server/api/api_server.h"

#include "base/build_info.h"
#include "server/api/chat_schema.h"
#include "server/api/models_wire.h"
#include "server/api/openapi.h"

namespace melete {
namespace {

// Reading requests is decoding and parsing: a few threads do for many answers.
constexpr int kReaders = 4;

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

}  // namespace

ApiServer::ApiServer(const ApiServerOptions& options, ModelList models)
    : created_s_(now_s()),
      models_(std::move(models)),
      readers_(kReaders, options.max_waiting),
      runners_(options.max_running, options.max_waiting),
      chat_(models_, readers_, runners_, metrics_),
      router_([](int status, const std::string& message) {
        return openai_response({status, message, "", ""});
      }) {
  add_routes();
}

ApiServer::~ApiServer() { stop(std::chrono::milliseconds(0)); }

Result<std::unique_ptr<ApiServer>> ApiServer::start(const ApiServerOptions& options, ModelList models) {
  std::unique_ptr<ApiServer> server(new ApiServer(options, std::move(models)));
  MELETE_ASSIGN_OR_RETURN(server->http_, HttpServer::bind(options.http, server->router_));
  server->http_->start();
  return server;
}

void ApiServer::stop(std::chrono::milliseconds grace) {
  if (http_) http_->stop(grace);
}

void ApiServer::add_routes() {
  const Json status = {{"type", "object"}, {"properties", {{"status", {{"type", "string"}}}}}};
  const auto ok = [](const ExchangePtr& exchange) { exchange->respond(200, {{"status", "ok"}}); };
  router_.add({"GET", "/healthz", Access::anyone, "whether the process answers", ok, {}, status});
  router_.add(
      {"GET", "/readyz", Access::anyone, "whether models are loaded and take questions", ok, {}, status});
  router_.add({"GET",
               "/v1/models",
               Access::user,
               "all models and modes, with what they can do",
               [this](const ExchangePtr& exchange) { list_models(*exchange); },
               {},
               models_schema()});
  router_.add({"GET",
               "/v1/models/{id}",
               Access::user,
               "one model or mode",
               [this](const ExchangePtr& exchange) { show_model(*exchange); },
               {},
               model_schema()});
  router_.add({"POST", "/v1/chat/completions", Access::user, "answer a conversation, as OpenAI's API does",
               [this](ExchangePtr exchange) { chat_.handle(std::move(exchange)); }, chat_request_schema(),
               chat_completion_schema()});
  router_.add({"GET", "/metrics", Access::anyone, "counters for Prometheus, as text",
               [this](const ExchangePtr& exchange) { exchange->respond(plain_text(metrics_text())); }});
  router_.add(
      {"GET",
       "/openapi.json",
       Access::anyone,
       "this description",
       [this](const ExchangePtr& exchange) { exchange->respond(200, openapi_json(router_.routes())); },
       {},
       {{"type", "object"}}});
}

void ApiServer::list_models(Exchange& exchange) const {
  Json data = Json::array();
  for (const std::string& id : models_.ids()) data.push_back(model_json(id, **models_.find(id), created_s_));
  exchange.respond(200, {{"object", "list"}, {"data", std::move(data)}});
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
