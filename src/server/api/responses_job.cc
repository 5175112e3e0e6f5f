#include "server/api/responses_job.h"

#include "base/log.h"
#include "server/http/message.h"

namespace melete {

std::vector<std::string> event_texts(const std::vector<Json>& events) {
  std::vector<std::string> texts;
  for (const Json& event : events)
    texts.push_back(event_text(event["type"].get_ref<const std::string&>(), json_text(event)));
  return texts;
}

ResponseJob::ResponseJob(PreparedResponse prepared, Store& store, ServerMetrics& metrics,
                         std::shared_ptr<Charge> charge)
    : prepared_(std::move(prepared)),
      store_(store),
      metrics_(metrics),
      charge_(std::move(charge)),
      id_(prepared_.response["id"]),
      run_(prepared_.response, prepared_.options) {}

Status ResponseJob::keep(const StoredResponse& row, Json record) {
  MELETE_RETURN_IF_ERROR(store_.responses(prepared_.owner).create(row));
  const std::lock_guard lock(mutex_);
  is_kept_ = true;
  auto log = store_.event_logs().create(prepared_.owner, {.conversation = {}, .response = id_}, id_);
  if (!log.ok()) return log.error();
  log_ = *std::move(log);
  log_->put({0, -1, "run.request", 0, std::move(record)});
  if (prepared_.is_background) {
    std::vector<Json> events;
    run_.queue(events);
    feed_->put(event_texts(events));
  }
  return ok_status();
}

void ResponseJob::forget() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(is_kept_, false)) return;
  if (const Status removed = store_.responses(prepared_.owner).remove(id_); !removed.ok())
    log_warn("a response that came to nothing is still kept: ", removed.error().message);
  log_.reset();
}

void ResponseJob::when_ended(OnEnd act) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::ended) {
      on_end_.push_back(std::move(act));
      return;
    }
  }
  act(ended_response_, error_);
}

Json ResponseJob::response() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::ended ? ended_response_ : run_.response();
}

void ResponseJob::put(const Event& event) {
  std::vector<Json> events;
  std::shared_ptr<AnswerLog> log;
  {
    const std::lock_guard lock(mutex_);
    run_.put(event, events);
    log = log_;
  }
  if (log) log->put(event);
  feed_->put(event_texts(events));
}

void ResponseJob::run() {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::waiting) return;
    state_ = State::running;
  }
  Request run = prepared_.run;
  run.stop_requested = [this] {
    const std::lock_guard lock(mutex_);
    return run_.wants_stop();
  };
  const Result<Answer> answer = prepared_.model->answer(prepared_.mode, run, *this, stop_.get_token());
  if (answer.ok()) {
    metrics_.count_answer(prepared_.mode, *answer);
    const Usage& usage = answer->usage;
    if (charge_) charge_->add(usage.prompt_tokens + usage.reasoning_tokens + usage.answer_tokens);
  } else {
    metrics_.count_failure(prepared_.mode, answer.error().kind);
  }
  finish(answer);
}

void ResponseJob::finish(const Result<Answer>& answer) {
  std::vector<Json> events;
  std::optional<ApiError> error;
  {
    const std::lock_guard lock(mutex_);
    const int64_t now_s = store_.clock()() / 1000;
    if (answer.ok()) {
      run_.finish(*answer, prepared_.mode, prepared_.run.seed, now_s, events);
    } else if (answer.error().kind == ErrorKind::cancelled) {
      Answer nothing;
      nothing.finish = "cancelled";
      run_.finish(std::move(nothing), prepared_.mode, prepared_.run.seed, now_s, events);
    } else {
      error = api_error(answer.error());
      run_.fail(error->code.empty() ? "server_error" : error->code, error->message, events);
    }
  }
  end(std::move(events), error);
}

// Kept first: who has heard that a response has ended may go on from it at once.
void ResponseJob::end(std::vector<Json> events, const std::optional<ApiError>& error) {
  std::vector<OnEnd> acts;
  Json response = std::move(events.back()["response"]);
  {
    const std::lock_guard lock(mutex_);
    if (is_kept_) store_end(response);
    events.back()["response"] = response;
    ended_response_ = response;
    error_ = error;
    state_ = State::ended;
    acts = std::exchange(on_end_, {});
  }
  if (charge_) charge_->settle();
  for (const OnEnd& act : acts) act(response, error);
  feed_->put(event_texts(events));
  feed_->end(event_text("", "[DONE]"));
}

// Under the mutex. What can't be kept is still an answer, which then says that it isn't kept.
void ResponseJob::store_end(Json& response) {
  const std::string status = response["status"];
  Status kept = store_.event_logs().finish(*log_, status == "failed" ? "failed" : "completed");
  if (kept.ok()) kept = store_.responses(prepared_.owner).update(id_, status, response);
  if (kept.ok()) return;
  log_warn("a response can't be kept: ", kept.error().message);
  response["store"] = false;
}

void ResponseJob::cancel() {
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::waiting) return;
    state_ = State::running;
  }
  finish(cancelled("[server] the answer must still be wanted, got a stop; ask again"));
}

void ResponseJob::abandon() {
  {
    const std::lock_guard lock(mutex_);
    is_kept_ = false;
    log_.reset();
  }
  cancel();
}

}  // namespace melete
