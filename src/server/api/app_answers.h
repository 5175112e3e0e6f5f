// The model's part of a conversation: /api/conversations/{id}/answers and /api/answers. An answer is stored
// as it is made: its events in a log, and at the end what it says in its message, which is there from the
// beginning with meta {"answer": ID, "status": "running"}.
#pragma once

#include "server/api/answer_options.h"
#include "server/api/app_route.h"
#include "server/api/live_answers.h"
#include "server/api/model_identities.h"
#include "server/generation/server_metrics.h"
#include "server/http/router.h"

namespace melete {

// An error as the app's routes tell it, and an event of an answer's stream.
inline HttpResponse error_of_answer(const Error& error) { return openai_response(api_error(error)); }
inline std::string answer_event(const char* name, const Json& data) {
  return event_text(name, json_text(data));
}

class AppAnswers {
 public:
  // All outlive this object and what it runs.
  AppAnswers(Store& store, const ModelList& models, ModelIdentities& identities, WorkerThreads& workers,
             WorkerThreads& runners, ServerMetrics& metrics, LiveAnswers& live)
      : store_(store),
        models_(models),
        identities_(identities),
        workers_(workers),
        runners_(runners),
        metrics_(metrics),
        live_(live) {}

  void add_routes(Router& router);

 private:
  struct Question;
  struct Job;
  // An answer that is over, with its message as it is to be stored.
  struct Ended {
    OwnerId owner;
    std::shared_ptr<LiveAnswer> live;
    StoredMessage message;
  };

  using Step = void (AppAnswers::*)(const ExchangePtr&);
  std::function<void(ExchangePtr)> on_worker(Step step);

  void begin(const ExchangePtr& exchange);
  std::optional<Question> read(Exchange& exchange, std::optional<ApiError>& problem);
  bool place(Question& question, const Exchange& exchange, std::optional<ApiError>& problem);
  bool build(Question& question, const Exchange& exchange, std::optional<ApiError>& problem);
  bool record(Question& question, std::optional<ApiError>& problem);
  Result<std::shared_ptr<Job>> keep(Question question, const Exchange& exchange, std::string& first);
  Status submit(const std::shared_ptr<Job>& job);
  void run(Job& job);
  void end(Job& job, const Result<Answer>& answer);
  Status keep_end(const Ended& ended);
  bool is_kept(const Ended& ended) const;
  void keep_ends();
  std::optional<AnswerInfo> kept_answer(Exchange& exchange) const;
  void show(const ExchangePtr& exchange);
  void events(const ExchangePtr& exchange);
  void stop(const ExchangePtr& exchange);
  void steer(const ExchangePtr& exchange);

  Store& store_;
  const ModelList& models_;
  ModelIdentities& identities_;
  WorkerThreads& workers_;
  WorkerThreads& runners_;
  ServerMetrics& metrics_;
  LiveAnswers& live_;
  std::mutex unkept_mutex_;
  std::vector<Ended> unkept_;  // those that a full disk kept from being stored: tried again at each request
};

}  // namespace melete
