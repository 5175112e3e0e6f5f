#include "server/api/chat_api.h"

#include <chrono>

#include "base/build_info.h"
#include "base/log.h"
#include "server/http/request_id.h"

namespace melete {
namespace {

ChatEnvelope make_envelope(const std::string& model) {
  ChatEnvelope envelope;
  envelope.id = "chatcmpl-" + random_hex(12);
  envelope.created_s =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  envelope.model = model;
  envelope.fingerprint = cat("melete-", build_version(), "-", build_commit());
  return envelope;
}

// The system text stands at the beginning; later system messages keep their place.
bool build_conversation(const ChatRequest& request, const ServedModel& model, Conversation& conversation,
                        std::optional<ApiError>& problem) {
  for (const WireMessage& wire : request.messages) {
    std::optional<Message> message = build_message(wire, model, problem);
    if (!message) return false;
    if (wire.role != Role::system || !conversation.messages.empty()) {
      conversation.messages.push_back(*std::move(message));
      continue;
    }
    if (message->parts.empty()) continue;
    if (!conversation.system.empty()) conversation.system += "\n\n";
    conversation.system += std::get<TextPart>(message->parts.front()).text;
  }
  return true;
}

}  // namespace

// One request's answers, one a choice, on as many workers; the last to end completes the response.
class ChatApi::Job : public std::enable_shared_from_this<Job> {
 public:
  Job(ExchangePtr exchange, ChatRequest request, const ServedModel& model, ModeChoice choice, Request run,
      ServerMetrics& metrics)
      : exchange_(std::move(exchange)),
        request_(std::move(request)),
        model_(model),
        mode_(std::move(choice.mode)),
        run_(std::move(run)),
        metrics_(metrics),
        envelope_(make_envelope(request_.options.model)),
        choices_(static_cast<size_t>(request_.choices)) {}

  void answer(int index);

 private:
  class Sink;

  void put(const Json& chunk);
  void begin();
  void complete(int index, ChatChoice choice);
  void fail(const Error& error);
  void finish();

  const ExchangePtr exchange_;
  const ChatRequest request_;
  const ServedModel& model_;
  const std::string mode_;
  const Request run_;
  ServerMetrics& metrics_;
  const ChatEnvelope envelope_;

  std::mutex mutex_;
  std::vector<std::optional<ChatChoice>> choices_;
  int num_done_ = 0;
  bool begun_ = false;
  std::optional<Error> failure_;
  std::atomic<bool> failed_ = false;
};

// Events of one choice's run, as chunks.
class ChatApi::Job::Sink : public EventSink {
 public:
  Sink(Job& job, int index)
      : job_(job),
        index_(index),
        text_(job.mode_ == "contemplating", job.model_.chat().is_muse(), job.request_.options.stop) {}

  void put(const Event& event) override {
    const ChoiceText::Piece piece = text_.put(event);
    if (!job_.request_.stream) return;
    if (event.kind == "agent.spawned" && !spoke_) {
      spoke_ = true;
      job_.begin();
      job_.put(chat_role_chunk(job_.envelope_, index_));
    }
    if (spoke_ && job_.request_.options.events) job_.put(chat_event_chunk(job_.envelope_, index_, event));
    if (!piece.empty()) job_.put(chat_delta_chunk(job_.envelope_, index_, piece));
  }

  bool stopped() const { return text_.stopped(); }

  ChatChoice finish(const Answer& answer) {
    if (job_.request_.stream)
      if (const ChoiceText::Piece rest = text_.finish(answer); !rest.empty())
        job_.put(chat_delta_chunk(job_.envelope_, index_, rest));
    return {answer, text_.whole(answer), text_.finish_reason(answer), job_.mode_, job_.run_.seed};
  }

 private:
  Job& job_;
  const int index_;
  ChoiceText text_;
  bool spoke_ = false;
};

void ChatApi::Job::put(const Json& chunk) { exchange_->put(event_text("", json_text(chunk))); }

// Once the prompt is computed, so that what can't be answered is an error with its own status.
void ChatApi::Job::begin() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(begun_, true)) return;
  exchange_->begin_stream();
}

void ChatApi::Job::answer(int index) {
  if (exchange_->gone() || failed_) return;
  Request run = run_;
  // Each choice draws from numbers of its own: agents use two streams each.
  run.first_stream = static_cast<uint64_t>(index) * 2 * 256;
  Sink sink(*this, index);
  run.stop_requested = [&] { return sink.stopped() || failed_ || exchange_->gone(); };
  const Result<Answer> answer = model_.answer(mode_, run, sink);
  if (!answer.ok()) {
    metrics_.count_failure(mode_, answer.error().kind);
    return fail(answer.error());
  }
  metrics_.count_answer(mode_, *answer);
  complete(index, sink.finish(*answer));
}

void ChatApi::Job::complete(int index, ChatChoice choice) {
  if (request_.stream) put(chat_finish_chunk(envelope_, index, choice));
  const std::lock_guard lock(mutex_);
  choices_[static_cast<size_t>(index)] = std::move(choice);
  if (++num_done_ == request_.choices) finish();
}

// Under the mutex.
void ChatApi::Job::finish() {
  std::vector<ChatChoice> choices;
  std::vector<Answer> answers;
  for (auto& choice : choices_) {
    answers.push_back(choice->answer);
    choices.push_back(*std::move(choice));
  }
  const Json usage = chat_usage(answers);
  exchange_->note("usage", usage);
  if (!request_.stream) return exchange_->respond(200, chat_completion(envelope_, choices));
  if (request_.include_usage) put(chat_usage_chunk(envelope_, usage));
  exchange_->put(event_text("", "[DONE]"));
  exchange_->end_stream();
}

// The first failure of a choice is the whole answer's.
void ChatApi::Job::fail(const Error& error) {
  if (failed_.exchange(true)) return;
  const std::lock_guard lock(mutex_);
  const ApiError problem = api_error(error);
  if (!begun_) return exchange_->respond(openai_response(problem));
  put(openai_error(problem));
  exchange_->put(event_text("", "[DONE]"));
  exchange_->end_stream();
}

void ChatApi::handle(ExchangePtr exchange) {
  const Status status = readers_.submit({[this, exchange] { read(exchange); }});
  if (status.ok()) return;
  metrics_.count_refusal();
  exchange->respond(openai_response(api_error(status.error())));
}

void ChatApi::read(const ExchangePtr& exchange) {
  std::optional<ApiError> problem;
  const auto refuse = [&] { exchange->respond(openai_response(*problem)); };
  const Result<Json> body = parse_json(exchange->request.body, "body");
  exchange->request.body = {};
  if (!body.ok()) {
    problem = ApiError{400, body.error().message, "", "invalid_json"};
    return refuse();
  }
  std::optional<ChatRequest> request = parse_chat_request(*body, problem);
  if (!request) return refuse();
  const Result<const ServedModel*> model = models_.find(request->options.model);
  if (!model.ok()) {
    problem = ApiError{404, model.error().message, "model", "model_not_found"};
    return refuse();
  }
  const auto choice = choose_mode(request->options, problem);
  if (!choice) return refuse();
  Request run = make_run(request->options, *choice, **model);
  if (!build_conversation(*request, **model, run.conversation, problem)) return refuse();
  if (!prepare_run(request->options, *choice, **model, run, problem)) return refuse();
  exchange->note("model", (*model)->name());
  exchange->note("mode", choice->mode);
  const int choices = request->choices;
  request->messages.clear();
  const auto job =
      std::make_shared<Job>(exchange, *std::move(request), **model, *choice, std::move(run), metrics_);
  std::vector<WorkerThreads::Task> tasks;
  for (int i = 0; i < choices; ++i) tasks.push_back([job, i] { job->answer(i); });
  const Status status = runners_.submit(std::move(tasks));
  if (status.ok()) return;
  metrics_.count_refusal();
  exchange->respond(openai_response(api_error(status.error())));
}

}  // namespace melete
