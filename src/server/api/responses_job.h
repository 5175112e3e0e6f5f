// One response while it is made: the run on a worker, its events for all who listen, and the store.
#pragma once

#include <functional>
#include <stop_token>

#include "server/accounts/charge.h"
#include "server/api/event_feed.h"
#include "server/api/responses_run.h"
#include "server/generation/server_metrics.h"
#include "server/store/store.h"

namespace melete {

// A response that is ready to run.
struct PreparedResponse {
  OwnerId owner = 0;
  const ServedModel* model = nullptr;
  std::string mode;
  Request run;
  ResponseRun::Options options;
  Json response;  // as it begins
  bool is_stored = false, is_background = false;
};

// As a stream has them.
std::vector<std::string> event_texts(const std::vector<Json>& events);

class ResponseJob : public EventSink, public std::enable_shared_from_this<ResponseJob> {
 public:
  // Called once, with the response as it ended or the error that ended it before it said anything.
  using OnEnd = std::function<void(const Json& response, const std::optional<ApiError>& error)>;

  // The store and the metrics outlive it; charge may be null.
  ResponseJob(PreparedResponse prepared, Store& store, ServerMetrics& metrics,
              std::shared_ptr<Charge> charge);

  // Before run(): keeps the response as it begins, and a log of the same id that begins with `record`.
  // Errors: those of Responses::create and EventLogs::create.
  Status keep(const StoredResponse& row, Json record);
  // Forgets what keep() kept.
  void forget();
  void when_ended(OnEnd act);

  void run();
  // Ends it at the next step; at once if it hasn't begun. The response is then cancelled.
  void cancel();
  // Deleted: nothing more is kept of it.
  void abandon();

  const std::shared_ptr<EventFeed>& feed() const { return feed_; }
  const PreparedResponse& prepared() const { return prepared_; }
  // As it is now.
  Json response() const;

  void put(const Event& event) override;

 private:
  enum class State { waiting, running, ended };

  void finish(const Result<Answer>& answer);
  void end(std::vector<Json> events, const std::optional<ApiError>& error);
  void store_end(Json& response);

  PreparedResponse prepared_;
  Store& store_;
  ServerMetrics& metrics_;
  const std::shared_ptr<Charge> charge_;
  const std::string id_;
  const std::shared_ptr<EventFeed> feed_ = std::make_shared<EventFeed>();
  std::stop_source stop_;

  mutable std::mutex mutex_;  // of all below
  State state_ = State::waiting;
  ResponseRun run_;
  bool is_kept_ = false;
  std::shared_ptr<AnswerLog> log_;
  Json ended_response_;
  std::optional<ApiError> error_;
  std::vector<OnEnd> on_end_;
};

}  // namespace melete
