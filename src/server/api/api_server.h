// The whole server: models, worker threads, accounts, routes and transport.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "server/accounts/gatekeeper.h"
#include "server/api/answer_api.h"
#include "server/api/app_api.h"
#include "server/api/chat_surface.h"
#include "server/api/embeddings.h"
#include "server/api/messages_surface.h"
#include "server/api/replay_api.h"
#include "server/api/responses_api.h"
#include "server/api/tokenize.h"
#include "server/app/artifact_frame.h"
#include "server/generation/model_list.h"
#include "server/http/http_server.h"
#include "server/http/router.h"
#include "server/store/store.h"

namespace melete {

struct ApiServerOptions {
  HttpOptions http;
  std::optional<uint16_t> artifacts_port;  // none: the one after http.port, or any if that is taken
  int max_running = 64;                    // answers at a time; a request for n of them counts n
  int64_t max_waiting = 256;
  PasswordCost password_cost;
  std::map<std::string, std::filesystem::path> model_paths;  // by the models' names, see ModelIdentities
  bool identify = false;  // callers must say who they are in any case, see Gatekeeper
};

class ApiServer {
 public:
  // Claims the store, which outlives the server. Errors: those of Store::claim and HttpServer::bind.
  static Result<std::unique_ptr<ApiServer>> start(const ApiServerOptions& options, ModelList models,
                                                  Store& store);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  const HttpServer& http() const { return *http_; }
  const HttpServer& artifacts() const { return *artifacts_; }
  Router& router() { return router_; }
  const ModelList& models() const { return models_; }
  // What answers beside the routes use, so that the same limits hold and the same counters count.
  WorkerThreads& runners() { return runners_; }
  ServerMetrics& metrics() { return metrics_; }
  int64_t num_answering() const { return runners_.num_running(); }

  // Takes no more requests and lets answers under way end, for so long at most.
  void stop(std::chrono::milliseconds grace);

 private:
  ApiServer(const ApiServerOptions& options, ModelList models, Store& store,
            std::unique_ptr<Gatekeeper> gate);
  Status listen(const ApiServerOptions& options);
  void add_routes();
  void add_answer_routes();
  void show_model(Exchange& exchange) const;
  std::string metrics_text() const;

  const int64_t created_s_;
  ModelList models_;
  const std::string models_body_;  // of GET /v1/models
  const std::unique_ptr<Gatekeeper> gate_;
  ServerMetrics metrics_;
  ArtifactsPlace place_;
  ArtifactFrame frame_;
  std::unique_ptr<HttpServer> artifacts_;
  std::unique_ptr<HttpServer> http_;  // after the workers in its end: they hold exchanges
  AppApi app_;
  ModelIdentities identities_;
  ResponsesApi responses_;
  ReplayApi replay_;
  WorkerThreads readers_, runners_, app_workers_;
  AnswerApi answers_;
  EmbeddingsApi embeddings_;
  TokenizeApi tokenize_;
  ChatSurface chat_;
  MessagesSurface messages_{false}, counted_messages_{true};
  Router router_;
};

}  // namespace melete
