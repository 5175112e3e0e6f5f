// POST /v1/tokenize: a text as the model's tokens, ids and bytes.
#pragma once

#include "server/generation/model_list.h"
#include "server/generation/worker_threads.h"
#include "server/http/exchange.h"

namespace melete {

inline constexpr size_t kMaxTokenizedBytes = size_t{1} << 20;

class TokenizeApi {
 public:
  // Both outlive this object and the tasks it submits.
  TokenizeApi(const ModelList& models, WorkerThreads& readers) : models_(models), readers_(readers) {}

  void handle(ExchangePtr exchange);

 private:
  void tokenize(Exchange& exchange) const;

  const ModelList& models_;
  WorkerThreads& readers_;
};

Json tokenize_request_schema();
Json tokens_schema();

}  // namespace melete
