// POST /v1/chat/completions: from the request on the connection's thread to answers on worker threads.
#pragma once

#include <atomic>
#include <memory>

#include "server/api/chat_request.h"
#include "server/api/chat_wire.h"
#include "server/generation/model_list.h"
#include "server/generation/server_metrics.h"
#include "server/generation/worker_threads.h"
#include "server/http/exchange.h"

namespace melete {

class ChatApi {
 public:
  // All outlive this object and the tasks it submits.
  ChatApi(const ModelList& models, WorkerThreads& readers, WorkerThreads& runners, ServerMetrics& metrics)
      : models_(models), readers_(readers), runners_(runners), metrics_(metrics) {}

  // Reads and decodes on `readers`, answers on `runners`; 429 where these have no room.
  void handle(ExchangePtr exchange);

 private:
  class Job;

  void read(const ExchangePtr& exchange);

  const ModelList& models_;
  WorkerThreads& readers_;
  WorkerThreads& runners_;
  ServerMetrics& metrics_;
};

}  // namespace melete
