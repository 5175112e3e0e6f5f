// One request's answers, one a choice, on as many workers; the last to end completes the response. When the
// client goes away all of them end: those that wait are taken back, those under way stop at the next step.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "server/api/answer_wire.h"
#include "server/generation/server_metrics.h"
#include "server/generation/worker_threads.h"
#include "server/http/exchange.h"

namespace melete {

// A request that is ready to run.
struct PreparedAnswer {
  const ServedModel* model = nullptr;
  std::string mode;
  Request run;
  AnswerRequest request;  // its messages are in the run
  std::unique_ptr<AnswerWire> wire;
  const Surface* surface = nullptr;
  int64_t most_tokens = 0;  // that all its choices may read and write
};

class AnswerJob : public std::enable_shared_from_this<AnswerJob> {
 public:
  // Runs on `runners`, which outlive the exchange's connection, as does `metrics`. Error: exhausted (there is
  // no room for all choices).
  static Status start(ExchangePtr exchange, PreparedAnswer prepared, WorkerThreads& runners,
                      ServerMetrics& metrics);

  AnswerJob(ExchangePtr exchange, PreparedAnswer prepared, ServerMetrics& metrics);

 private:
  class Sink;

  void answer(int choice);
  HttpHeaders headers() const { return prepared_.surface->headers(exchange_->request); }
  void begin();
  void complete(int choice, FinishedAnswer answer);
  void fail(const Error& error);
  void finish();

  const ExchangePtr exchange_;
  const PreparedAnswer prepared_;
  const AnswerRequest& request_;
  AnswerWire& wire_;
  ServerMetrics& metrics_;
  std::stop_source stop_;  // the client has gone, or a choice has failed

  std::mutex mutex_;
  std::vector<std::optional<FinishedAnswer>> answers_;
  int num_done_ = 0;
  bool failed_ = false;
};

}  // namespace melete
