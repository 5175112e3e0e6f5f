// POST /v1/responses/{id}/replay and /api/answers/{answer}/replay: what is kept is made again from its log
// and compared byte by byte.
#pragma once

#include "agent/replay.h"
#include "server/api/api_error.h"
#include "server/api/model_identities.h"
#include "server/generation/model_list.h"
#include "server/generation/server_metrics.h"
#include "server/generation/worker_threads.h"
#include "server/http/router.h"
#include "server/store/store.h"

namespace melete {

class ReplayApi {
 public:
  // All outlive this object and the tasks it submits.
  ReplayApi(const ModelList& models, ModelIdentities& identities, Store& store, WorkerThreads& readers,
            WorkerThreads& runners, ServerMetrics& metrics)
      : models_(models),
        identities_(identities),
        store_(store),
        readers_(readers),
        runners_(runners),
        metrics_(metrics) {}

  void add_routes(Router& router);

 private:
  enum class Kind { response, answer };
  // What it takes to run it again.
  struct Ready {
    std::vector<Event> run;
    const ServedModel* model = nullptr;
    MediaByHash media;
    int64_t tokens = 0;  // that the run took before
  };
  std::optional<Ready> find(OwnerId owner, const std::string& id, std::optional<ApiError>& problem);
  Result<MediaByHash> read_media(OwnerId owner, const Json& origin, const ServedModel& model);
  Status check_kept(OwnerId owner, Kind kind, const std::string& id);
  void read(const ExchangePtr& exchange, Kind kind, const std::string& id);
  void add_route(Router& router, const std::string& path, const std::string& summary, Kind kind);

  const ModelList& models_;
  ModelIdentities& identities_;
  Store& store_;
  WorkerThreads& readers_;
  WorkerThreads& runners_;
  ServerMetrics& metrics_;
};

}  // namespace melete
