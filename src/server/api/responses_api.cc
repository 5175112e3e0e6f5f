#include "server/api/responses_api.h"

#include <algorithm>
#include <charconv>

#include "server/api/responses_items.h"
#include "server/api/responses_schema.h"

namespace melete {
namespace {

constexpr size_t kDefaultPage = 20, kMostOfPage = 100;

std::optional<Json> body_of(const ExchangePtr& exchange) {
  std::optional<ApiError> problem;
  auto body = take_json(exchange->request.body, problem);
  if (!body) refuse(exchange, *problem);
  return body;
}

// A field of the query that is a number of 0 to `most`; nothing, and the request is refused, if it is
// another.
std::optional<size_t> number_of(const ExchangePtr& exchange, const std::map<std::string, std::string>& query,
                                const char* name, size_t standard, size_t most) {
  const auto found = query.find(name);
  if (found == query.end() || found->second.empty()) return standard;
  const std::string& text = found->second;
  size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number <= most) return number;
  refuse(exchange,
         {400, cat("must be a number of 0 to ", most, ", got ", in_quotes(text)), name, "invalid_value"});
  return std::nullopt;
}

// The response as it was last kept; a server that ended before it says so.
Json resource_of(const StoredResponse& row) {
  Json response = row.output.is_object() ? row.output : Json::object();
  if (row.status == "failed" && response.value("status", "") != "failed") {
    response["error"] = {{"code", "server_error"}, {"message", "the server ended before the answer did"}};
    response["incomplete_details"] = nullptr;
  }
  response["status"] = row.status;
  return response;
}

}  // namespace

// The responses that are being made, by owner and id.
class ResponsesApi::Live {
 public:
  using Key = std::pair<OwnerId, std::string>;

  void add(const std::shared_ptr<ResponseJob>& job) {
    const std::lock_guard lock(mutex_);
    jobs_[key_of(*job)] = job;
  }
  void remove(const Key& key) {
    std::shared_ptr<ResponseJob> last;  // outside of the lock
    const std::lock_guard lock(mutex_);
    if (const auto found = jobs_.find(key); found != jobs_.end()) {
      last = std::move(found->second);
      jobs_.erase(found);
    }
  }
  std::shared_ptr<ResponseJob> find(OwnerId owner, const std::string& id) const {
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find({owner, id});
    return found == jobs_.end() ? nullptr : found->second;
  }
  std::vector<std::shared_ptr<ResponseJob>> all() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<ResponseJob>> jobs;
    for (const auto& [key, job] : jobs_) jobs.push_back(job);
    return jobs;
  }
  static Key key_of(const ResponseJob& job) { return {job.prepared().owner, job.prepared().response["id"]}; }

 private:
  mutable std::mutex mutex_;
  std::map<Key, std::shared_ptr<ResponseJob>> jobs_;
};

ResponsesApi::ResponsesApi(const ResponseSources& sources, WorkerThreads& readers, WorkerThreads& runners,
                           ServerMetrics& metrics)
    : sources_(sources),
      store_(sources.store),
      readers_(readers),
      runners_(runners),
      metrics_(metrics),
      live_(std::make_shared<Live>()) {}

ResponsesApi::~ResponsesApi() { stop(); }

void ResponsesApi::stop() {
  for (const auto& job : live_->all()) job->cancel();
}

// The store is a disk, and bodies are decoded: neither is for the connections' thread.
std::function<void(ExchangePtr)> ResponsesApi::on_reader(Handler handler) {
  return [this, handler](const ExchangePtr& exchange) {
    const Status status = readers_.submit({[this, handler, exchange] {
      if (!exchange->gone()) (this->*handler)(exchange);
    }});
    if (status.ok()) return;
    metrics_.count_refusal();
    refuse(exchange, api_error(status.error()));
  };
}

void ResponsesApi::add_routes(Router& router) {
  const Json response = response_schema();
  router.add({"POST", "/v1/responses", Access::generate, "answer as the Open Responses specification says",
              on_reader(&ResponsesApi::create), responses_request_schema(), response});
  router.add({"POST", "/v1/responses/input_tokens", Access::generate, "the tokens of a request's input",
              on_reader(&ResponsesApi::count_input), responses_request_schema(), input_tokens_schema()});
  router.add({"GET",
              "/v1/responses/{id}",
              Access::data,
              "a response, or its events again",
              on_reader(&ResponsesApi::show),
              {},
              response,
              response_query_schema()});
  router.add({"DELETE",
              "/v1/responses/{id}",
              Access::data,
              "delete a response",
              on_reader(&ResponsesApi::remove),
              {},
              deleted_response_schema()});
  router.add({"POST",
              "/v1/responses/{id}/cancel",
              Access::data,
              "end a response that is being made",
              on_reader(&ResponsesApi::cancel),
              {},
              response});
  router.add({"GET",
              "/v1/responses/{id}/input_items",
              Access::data,
              "the items that a response was asked with",
              on_reader(&ResponsesApi::list_input),
              {},
              item_list_schema(),
              item_list_query_schema()});
}

void ResponsesApi::create(const ExchangePtr& exchange) {
  const auto body = body_of(exchange);
  if (!body) return;
  std::optional<ApiError> problem;
  auto ready = prepare_response(*body, exchange->caller, sources_, problem);
  if (!ready) return refuse(exchange, *problem);
  exchange->note("model", ready->prepared.model->name());
  exchange->note("mode", ready->prepared.mode);
  if (const Status reserved = exchange->charge->reserve(ready->most_tokens); !reserved.ok())
    return refuse(exchange, quota_error(reserved.error(), exchange->charge->retry_after_s()));
  const bool is_stored = ready->prepared.is_stored;
  const auto job =
      std::make_shared<ResponseJob>(std::move(ready->prepared), store_, metrics_, exchange->charge);
  if (is_stored) {
    if (const Status kept = job->keep(ready->row, std::move(ready->record)); !kept.ok()) {
      job->forget();
      return refuse(exchange, api_error(kept.error()));
    }
  }
  start(exchange, job, ready->streams);
}

void ResponsesApi::start(const ExchangePtr& exchange, const std::shared_ptr<ResponseJob>& job, bool streams) {
  live_->add(job);
  const auto key = Live::key_of(*job);
  job->when_ended([live = live_, key](const Json&, const auto&) { live->remove(key); });
  if (const Status status = runners_.submit({[job] { job->run(); }}); !status.ok()) {
    job->forget();
    live_->remove(key);
    metrics_.count_refusal();
    return refuse(exchange, api_error(status.error()));
  }
  const bool is_background = job->prepared().is_background;
  if (streams) job->feed()->stream(exchange, 0);
  if (!streams && is_background) return exchange->respond(200, job->prepared().response);
  if (!is_background)
    exchange->on_gone([weak = std::weak_ptr(job)] {
      if (const auto going = weak.lock()) going->cancel();
    });
  if (streams) return;
  job->when_ended([exchange, job](const Json& response, const std::optional<ApiError>& error) {
    if (error) {
      job->forget();
      return refuse(exchange, *error);
    }
    exchange->note("usage", response["usage"]);
    exchange->respond(200, response);
  });
}

void ResponsesApi::count_input(const ExchangePtr& exchange) {
  const auto body = body_of(exchange);
  if (!body) return;
  std::optional<ApiError> problem;
  const auto tokens = count_input_tokens(*body, exchange->caller, sources_, problem);
  if (!tokens) return refuse(exchange, *problem);
  exchange->respond(200, {{"object", "response.input_tokens"}, {"input_tokens", *tokens}});
}

void ResponsesApi::show(const ExchangePtr& exchange) {
  const std::string& id = exchange->request.parameters.at("id");
  const auto query = parse_query(exchange->request.query);
  const auto row = store_.responses(exchange->caller.user).get(id);
  if (!row.ok()) return refuse(exchange, api_error(row.error()));
  const auto job = live_->find(exchange->caller.user, id);
  const auto stream = query.find("stream");
  if (stream == query.end() || stream->second != "true")
    return exchange->respond(200, job ? job->response() : resource_of(*row));
  const bool is_later = query.contains("starting_after");
  const auto after = number_of(exchange, query, "starting_after", 0, 1 << 30);
  if (!after) return;
  const size_t from = is_later ? *after + 1 : 0;
  if (job) return job->feed()->stream(exchange, from);
  show_events(exchange, *row, from);
}

// Made again from the run's log.
void ResponsesApi::show_events(const ExchangePtr& exchange, const StoredResponse& row, size_t from) {
  const auto log = store_.event_logs().read(exchange->caller.user, row.id);
  if (!log.ok()) return refuse(exchange, api_error(log.error()));
  const auto feed = std::make_shared<EventFeed>();
  feed->put(event_texts(events_again(row.request.value("response", Json::object()), resource_of(row),
                                     run_options(row.request.value("run", Json::object())), *log)));
  feed->end(event_text("", "[DONE]"));
  feed->stream(exchange, from);
}

void ResponsesApi::remove(const ExchangePtr& exchange) {
  const std::string& id = exchange->request.parameters.at("id");
  if (const auto job = live_->find(exchange->caller.user, id)) job->abandon();
  const Status removed = store_.responses(exchange->caller.user).remove(id);
  if (!removed.ok()) return refuse(exchange, api_error(removed.error()));
  exchange->respond(200, {{"id", id}, {"object", "response"}, {"deleted", true}});
}

void ResponsesApi::cancel(const ExchangePtr& exchange) {
  const std::string& id = exchange->request.parameters.at("id");
  if (const auto job = live_->find(exchange->caller.user, id)) {
    job->when_ended([exchange](const Json& response, const std::optional<ApiError>& error) {
      if (error) return refuse(exchange, *error);
      exchange->respond(200, response);
    });
    return job->cancel();
  }
  const auto row = store_.responses(exchange->caller.user).get(id);
  if (!row.ok()) return refuse(exchange, api_error(row.error()));
  if (row->status == "cancelled") return exchange->respond(200, resource_of(*row));
  refuse(exchange, {400, cat("must be a response that is being made, got one that is ", row->status), "id",
                    "invalid_value"});
}

void ResponsesApi::list_input(const ExchangePtr& exchange) {
  const std::string& id = exchange->request.parameters.at("id");
  const auto query = parse_query(exchange->request.query);
  const auto limit = number_of(exchange, query, "limit", kDefaultPage, kMostOfPage);
  if (!limit) return;
  const auto row = store_.responses(exchange->caller.user).get(id);
  if (!row.ok()) return refuse(exchange, api_error(row.error()));
  Json items = input_of(*row);
  const auto order = query.find("order");
  if (order == query.end() || order->second != "asc") std::reverse(items.begin(), items.end());
  size_t begin = 0;
  if (const auto after = query.find("after"); after != query.end())
    while (begin < items.size() && items[begin].value("id", "") != after->second) ++begin;
  if (query.contains("after")) begin = std::min(begin + 1, items.size());
  const size_t end = std::min(begin + *limit, items.size());
  Json page = Json::array();
  for (size_t i = begin; i < end; ++i) page.push_back(items[i]);
  const Result<Json> whole = with_data(std::move(page), file_lookup(store_, exchange->caller.user));
  if (!whole.ok()) return refuse(exchange, api_error(whole.error()));
  const auto id_of = [](const Json& item) { return item.value("id", Json()); };
  exchange->respond(200, {{"object", "list"},
                          {"data", *whole},
                          {"first_id", whole->empty() ? Json() : id_of(whole->front())},
                          {"last_id", whole->empty() ? Json() : id_of(whole->back())},
                          {"has_more", end < items.size()}});
}

}  // namespace melete
