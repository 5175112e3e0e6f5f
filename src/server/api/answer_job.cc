#include "server/api/answer_job.h"

#include <atomic>
#include <utility>

#include "server/api/answer_text.h"

#include "server/accounts/charge.h"

namespace melete {
namespace {

ChoiceText::Options options_of(const PreparedAnswer& prepared) {
  ChoiceText::Options options = text_options(*prepared.model, prepared.mode, prepared.run);
  options.stops = prepared.request.options.stop;
  return options;
}

uint64_t new_owner() {
  static std::atomic<uint64_t> next = 1;
  return next++;
}

}  // namespace

// Events of one choice's run, as the surface writes them.
class AnswerJob::Sink : public EventSink {
 public:
  Sink(AnswerJob& job, int choice) : job_(job), choice_(choice), text_(options_of(job.prepared_)) {}

  void put(const Event& event) override {
    const std::vector<AnswerDelta> deltas = text_.put(event);
    if (!job_.request_.stream) return;
    std::string events;
    if (event.kind == "agent.spawned" && !std::exchange(spoke_, true)) {
      job_.begin();
      events = job_.wire_.begin(choice_);
    }
    if (spoke_ && job_.request_.options.events) events += job_.wire_.event(choice_, event);
    for (const AnswerDelta& delta : deltas) events += job_.wire_.delta(choice_, delta);
    if (!events.empty()) job_.exchange_->put(std::move(events));
  }

  bool stopped() const { return text_.stopped(); }

  FinishedAnswer finish(Answer answer) {
    if (job_.request_.stream) {
      std::string events;
      for (const AnswerDelta& delta : text_.finish(answer)) events += job_.wire_.delta(choice_, delta);
      if (!events.empty()) job_.exchange_->put(std::move(events));
    }
    ChoiceText whole(options_of(job_.prepared_));
    FinishedAnswer finished;
    finished.deltas = whole.finish(answer);
    finished.end = whole.end(answer);
    finished.stop = whole.stop();
    finished.mode = job_.prepared_.mode;
    finished.seed = job_.prepared_.run.seed;
    finished.answer = std::move(answer);
    return finished;
  }

 private:
  AnswerJob& job_;
  const int choice_;
  ChoiceText text_;
  bool spoke_ = false;
};

AnswerJob::AnswerJob(ExchangePtr exchange, PreparedAnswer prepared, ServerMetrics& metrics)
    : exchange_(std::move(exchange)),
      prepared_(std::move(prepared)),
      request_(prepared_.request),
      wire_(*prepared_.wire),
      metrics_(metrics),
      answers_(static_cast<size_t>(request_.choices)) {}

Status AnswerJob::start(ExchangePtr exchange, PreparedAnswer prepared, WorkerThreads& runners,
                        ServerMetrics& metrics) {
  const auto job = std::make_shared<AnswerJob>(exchange, std::move(prepared), metrics);
  const uint64_t owner = new_owner();
  std::vector<WorkerThreads::Task> tasks;
  for (int i = 0; i < job->request_.choices; ++i) tasks.push_back([job, i] { job->answer(i); });
  MELETE_RETURN_IF_ERROR(runners.submit(std::move(tasks), owner));
  exchange->on_gone([&runners, owner, stop = job->stop_]() mutable {
    stop.request_stop();
    runners.drop(owner);
  });
  return ok_status();
}

// Once the prompt is computed, so that what can't be answered is an error with its own status.
void AnswerJob::begin() { exchange_->begin_stream(headers()); }

void AnswerJob::answer(int choice) {
  if (stop_.stop_requested()) return;
  Request run = prepared_.run;
  // Each choice draws from numbers of its own: agents use two streams each.
  run.first_stream = static_cast<uint64_t>(choice) * 2 * 256;
  Sink sink(*this, choice);
  run.stop_requested = [&] { return sink.stopped(); };
  Result<Answer> answer = prepared_.model->answer(prepared_.mode, run, sink, stop_.get_token());
  if (!answer.ok()) {
    metrics_.count_failure(prepared_.mode, answer.error().kind);
    return fail(answer.error());
  }
  metrics_.count_answer(prepared_.mode, *answer);
  const Usage& usage = answer->usage;
  exchange_->charge->add((choice == 0 ? usage.prompt_tokens : 0) + usage.reasoning_tokens +
                         usage.answer_tokens);
  complete(choice, sink.finish(*std::move(answer)));
}

void AnswerJob::complete(int choice, FinishedAnswer answer) {
  if (request_.stream) exchange_->put(wire_.finish(choice, answer));
  const std::lock_guard lock(mutex_);
  answers_[static_cast<size_t>(choice)] = std::move(answer);
  if (++num_done_ == request_.choices) finish();
}

// Under the mutex.
void AnswerJob::finish() {
  std::vector<FinishedAnswer> answers;
  for (auto& answer : answers_) answers.push_back(*std::move(answer));
  exchange_->charge->settle();
  const TokenCounts counts = count_tokens(answers);
  exchange_->note("usage", {{"prompt_tokens", counts.prompt},
                            {"completion_tokens", counts.completion},
                            {"total_tokens", counts.prompt + counts.completion},
                            {"completion_tokens_details", {{"reasoning_tokens", counts.reasoning}}}});
  if (!request_.stream) return exchange_->respond(200, wire_.whole(answers), headers());
  exchange_->put(wire_.end(answers));
  exchange_->end_stream();
}

// The first failure of a choice is the whole answer's.
void AnswerJob::fail(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(failed_, true)) return;
  stop_.request_stop();
  const ApiError problem = api_error(error);
  if (exchange_->try_respond(prepared_.surface->refuse(problem, exchange_->request))) return;
  exchange_->put(wire_.failure(problem));
  exchange_->end_stream();
}

}  // namespace melete
