// The whole server: models, worker threads, routes and transport.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "server/api/chat_api.h"
#include "server/generation/model_list.h"
#include "server/http/http_server.h"
#include "server/http/router.h"

namespace melete {

struct ApiServerOptions {
  HttpOptions http;
  int max_running = 64;  // answers at a time; a request for n of them counts n
  int64_t max_waiting = 256;
};

class ApiServer {
 public:
  // Errors: those of HttpServer::bind.
  static Result<std::unique_ptr<ApiServer>> start(const ApiServerOptions& options, ModelList models);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  const HttpServer& http() const { return *http_; }
  const Router& router() const { return router_; }
  const ModelList& models() const { return models_; }
  int64_t num_answering() const { return runners_.num_running(); }

  // Takes no more requests and lets answers under way end, for so long at most.
  void stop(std::chrono::milliseconds grace);

 private:
  ApiServer(const ApiServerOptions& options, ModelList models);
  void add_routes();
  void list_models(Exchange& exchange) const;
  void show_model(Exchange& exchange) const;
  std::string metrics_text() const;

  const int64_t created_s_;
  ModelList models_;
  ServerMetrics metrics_;
  std::unique_ptr<HttpServer> http_;  // after the workers in its end: they hold exchanges
  WorkerThreads readers_, runners_;
  ChatApi chat_;
  Router router_;
};

}  // namespace melete
