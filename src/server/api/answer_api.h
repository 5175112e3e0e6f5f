// From a request on the connection's thread to answers on worker threads, for any surface.
#pragma once

#include "server/api/answer_job.h"
#include "server/generation/model_list.h"

namespace melete {

class AnswerApi {
 public:
  // All outlive this object and the tasks it submits.
  AnswerApi(const ModelList& models, WorkerThreads& readers, WorkerThreads& runners, ServerMetrics& metrics)
      : models_(models), readers_(readers), runners_(runners), metrics_(metrics) {}

  // Reads and decodes on `readers`, answers on `runners`; 429 where these have no room.
  void handle(ExchangePtr exchange, const Surface& surface);
  // Only counts the prompt's tokens: {"input_tokens": N}.
  void count(ExchangePtr exchange, const Surface& surface);

 private:
  using Ready = std::function<void(const ExchangePtr&, PreparedAnswer, int64_t prompt_tokens)>;
  void read(ExchangePtr exchange, const Surface& surface, Ready ready);

  const ModelList& models_;
  WorkerThreads& readers_;
  WorkerThreads& runners_;
  ServerMetrics& metrics_;
};

}  // namespace melete
