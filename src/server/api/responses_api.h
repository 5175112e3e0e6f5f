// The routes of the Responses API: making responses, listening to them again, cancelling and deleting them.
//
// A response is kept in the caller's store unless it says otherwise or the caller's key isn't for data; then
// nobody can ask for it again. One in the background goes on when its client goes away.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "server/api/responses_prepare.h"
#include "server/generation/worker_threads.h"
#include "server/http/router.h"

namespace melete {

class ResponsesApi {
 public:
  // All outlive this object and the tasks it submits.
  ResponsesApi(const ResponseSources& sources, WorkerThreads& readers, WorkerThreads& runners,
               ServerMetrics& metrics);
  ~ResponsesApi();

  void add_routes(Router& router);
  // Ends what is being made, also in the background.
  void stop();

 private:
  class Live;
  using Handler = void (ResponsesApi::*)(const ExchangePtr&);

  std::function<void(ExchangePtr)> on_reader(Handler handler);
  void create(const ExchangePtr& exchange);
  void count_input(const ExchangePtr& exchange);
  void show(const ExchangePtr& exchange);
  void remove(const ExchangePtr& exchange);
  void cancel(const ExchangePtr& exchange);
  void list_input(const ExchangePtr& exchange);

  void start(const ExchangePtr& exchange, const std::shared_ptr<ResponseJob>& job, bool streams);
  void show_events(const ExchangePtr& exchange, const StoredResponse& row, size_t from);

  const ResponseSources sources_;
  Store& store_;
  WorkerThreads& readers_;
  WorkerThreads& runners_;
  ServerMetrics& metrics_;
  const std::shared_ptr<Live> live_;
};

}  // namespace melete
