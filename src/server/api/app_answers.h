// The model's part of a conversation: /api/conversations/{id}/answers and /api/answers. An answer is stored
// as it is made: its events in a log, and at the end what it says in its message, which is there from the
// beginning with meta {"answer": ID, "status": "running"}.
#pragma once

#include "server/api/answer_options.h"
#include "server/api/app_route.h"
#include "server/api/live_answers.h"
#include "server/generation/server_metrics.h"
#include "server/http/router.h"

namespace melete {

class AppAnswers {
 public:
  // All outlive this object and what it runs.
  AppAnswers(Store& store, const ModelList& models, WorkerThreads& workers, WorkerThreads& runners,
             ServerMetrics& metrics, LiveAnswers& live)
      : store_(store),
        models_(models),
        workers_(workers),
        runners_(runners),
        metrics_(metrics),
        live_(live) {}

  void add_routes(Router& router);

 private:
  struct Question;
  struct Job;

  using Step = void (AppAnswers::*)(const ExchangePtr&);
  std::function<void(ExchangePtr)> on_worker(Step step);

  void begin(const ExchangePtr& exchange);
  std::optional<Question> read(Exchange& exchange, std::optional<ApiError>& problem);
  bool place(Question& question, const Exchange& exchange, std::optional<ApiError>& problem);
  bool build(Question& question, const Exchange& exchange, std::optional<ApiError>& problem);
  Result<std::shared_ptr<Job>> keep(Question question, const Exchange& exchange, std::string& first);
  Status submit(const std::shared_ptr<Job>& job);
  void run(Job& job);
  void end(Job& job, const Result<Answer>& answer);
  void show(const ExchangePtr& exchange);
  void events(const ExchangePtr& exchange);
  void stop(const ExchangePtr& exchange);
  void steer(const ExchangePtr& exchange);

  Store& store_;
  const ModelList& models_;
  WorkerThreads& workers_;
  WorkerThreads& runners_;
  ServerMetrics& metrics_;
  LiveAnswers& live_;
};

}  // namespace melete
