#include "bridges/chat_answers.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include "base/log.h"
#include "server/api/answer_options.h"
#include "server/api/choice_text.h"
#include "server/api/content.h"

namespace melete {
namespace {

// A run that only needs a worker.
struct ReadyChat {
  const ServedModel* model = nullptr;
  std::string mode;
  Request run;
};

AnswerOptions options_of(const ChatQuestion& question) {
  AnswerOptions options;
  options.model = question.model.empty() ? "melete-" + question.mode : question.model;
  if (!question.model.empty() && question.mode == "instant") options.effort = "none";
  if (!question.model.empty() && question.mode == "contemplating") options.effort = "max";
  options.seed = question.seed;
  if (question.deadline_s > 0) options.deadline_ms = static_cast<int64_t>(question.deadline_s * 1000);
  return options;
}

WireMessage wire_of_turn(const ChatTurn& turn) {
  WireMessage wire;
  wire.path = "message";
  wire.role = turn.is_user ? Role::user : Role::assistant;
  for (size_t i = 0; i < turn.files.size(); ++i) {
    WirePart part;
    part.path = turn.files.size() == 1 ? std::string("Your file") : cat("Your file ", i + 1);
    part.bytes = turn.files[i];
    part.name = "file";
    part.is_file = true;
    wire.parts.push_back(std::move(part));
  }
  if (!turn.text.empty() || turn.files.empty()) {
    WirePart part;
    part.text = turn.text;
    wire.parts.push_back(std::move(part));
  }
  return wire;
}

// Files of earlier turns that this model can't take are left out.
std::optional<Message> message_of(const ChatTurn& turn, bool is_last, const ServedModel& model,
                                  std::optional<ApiError>& problem) {
  auto message = build_message(wire_of_turn(turn), model, problem);
  if (message || is_last) return message;
  problem.reset();
  return build_message(wire_of_turn({turn.is_user, turn.text, {}}), model, problem);
}

// "[place] what must hold" without its place: that means nothing to the person who asks.
std::string without_place(const std::string& message) {
  const size_t end = message.find("] ");
  return message.starts_with("[") && end != std::string::npos ? message.substr(end + 2) : message;
}

std::string said_of(const ApiError& problem) {
  if (problem.code == "context_length_exceeded") return "That is too long for me; please send less.";
  if (problem.code == "unsupported_media") return cat(problem.param, " ", problem.message, ".");
  if (problem.code == "invalid_media")
    return cat(problem.param.empty() ? "Your file" : problem.param,
               " can't be read. I take PNG, JPEG, WebP and GIF "
               "pictures and OGG, MP3, WAV and FLAC sounds.");
  return "I can't answer that: " + without_place(problem.message) + ".";
}

std::string said_of(const Error& error) {
  switch (error.kind) {
    case ErrorKind::exhausted: return "I have too much to do at the moment; please ask again in a minute.";
    case ErrorKind::timeout:
      return "That took too long; please ask again, or choose a faster way with /mode.";
    default: return "Something went wrong with that answer; please ask again.";
  }
}

std::optional<ReadyChat> prepare_chat(const ChatQuestion& question, const ModelList& models,
                                      std::optional<ApiError>& problem) {
  const AnswerOptions options = options_of(question);
  ReadyChat ready;
  const auto model = models.find(options.model);
  if (!model.ok()) {
    problem = api_error(model.error());
    return std::nullopt;
  }
  ready.model = *model;
  const auto choice = choose_mode(options, problem);
  if (!choice) return std::nullopt;
  ready.mode = choice->mode;
  ready.run = make_run(options, *choice, *ready.model);
  ready.run.conversation.system = question.system;
  std::vector<Message>& messages = ready.run.conversation.messages;
  for (const ChatTurn& turn : question.conversation) {
    auto message = message_of(turn, &turn == &question.conversation.back(), *ready.model, problem);
    if (!message) return std::nullopt;
    messages.push_back(*std::move(message));
  }
  while (!prepare_run(options, *choice, *ready.model, ready.run, problem)) {
    if (problem->code != "context_length_exceeded" || messages.size() <= 1) return std::nullopt;
    problem.reset();
    messages.erase(messages.begin(), messages.begin() + std::min<ptrdiff_t>(2, std::ssize(messages) - 1));
  }
  return ready;
}

ChoiceText::Options text_options_of(const ReadyChat& ready) {
  ChoiceText::Options options;
  options.has_many_agents = ready.mode == "contemplating";
  options.may_be_marks = ready.model->chat().is_muse();
  return options;
}

std::string content_of(const std::vector<AnswerDelta>& deltas) {
  std::string text;
  for (const AnswerDelta& delta : deltas)
    if (delta.kind == AnswerDelta::Kind::content) text += delta.text;
  return text;
}

// Others count theirs from 1.
uint64_t new_chat_owner() {
  static std::atomic<uint64_t> next = uint64_t{1} << 63;
  return next++;
}

std::string note_of(const Answer& answer) {
  if (answer.finish == "length" || answer.finish == "exhausted")
    return "\n\n(The answer ends here since it has become too long.)";
  return {};
}

}  // namespace

// A run under way: what it has said, and how it ended.
struct ChatAnswers::Live : EventSink {
  explicit Live(const ChoiceText::Options& options) : text(options) {}

  void put(const Event& event) override {
    const std::string more = content_of(text.put(event));
    const std::lock_guard lock(mutex);
    said += more;
  }
  void end(Result<Answer> answer) {
    const std::lock_guard lock(mutex);
    if (!ended) ended = std::move(answer);
    changed.notify_all();
  }

  ChoiceText text;  // of the run's thread
  std::mutex mutex;
  std::condition_variable changed;
  std::string said;
  std::optional<Result<Answer>> ended;
};

Status ChatAnswers::check_model(const std::string& model) const {
  if (model.empty()) return ok_status();
  MELETE_RETURN_IF_ERROR(models_.find(model));
  return ok_status();
}

Result<ChatReply> ChatAnswers::answer(const ChatQuestion& question, std::stop_token stop,
                                      std::chrono::milliseconds pace,
                                      const std::function<void(const std::string&)>& tick) const {
  std::optional<ApiError> problem;
  const auto ready = prepare_chat(question, models_, problem);
  if (!ready) {
    log_info("[bridge] a question can't be answered: ", problem->message);
    return ChatReply{false, said_of(*problem)};
  }
  const auto live = std::make_shared<Live>(text_options_of(*ready));
  const uint64_t owner = new_chat_owner();
  // A task that is dropped, or fails by a bug of ours, ends the wait too.
  std::shared_ptr<void> always(nullptr, [live](void*) {
    live->end(unavailable("[bridge] the run must end by itself, got a failure; see the log"));
  });
  const Status submitted =
      runners_.submit({[ready, live, stop, always = std::move(always)] {
                        live->end(ready->model->answer(ready->mode, ready->run, *live, stop));
                      }},
                      owner);
  if (!submitted.ok()) {
    metrics_.count_refusal();
    return ChatReply{false, said_of(submitted.error())};
  }
  const std::stop_callback drop(stop, [&] { runners_.drop(owner); });
  std::unique_lock lock(live->mutex);
  while (!live->ended) {
    if (live->changed.wait_for(lock, pace, [&] { return live->ended.has_value(); })) break;
    const std::string so_far = live->said;
    lock.unlock();
    tick(so_far);
    lock.lock();
  }
  const Result<Answer>& answer = *live->ended;
  if (!answer.ok()) {
    metrics_.count_failure(ready->mode, answer.error().kind);
    if (stop.stop_requested())
      return cancelled("[bridge] the answer must be let end, but it was stopped; ask again");
    log_warn(answer.error().message);
    return ChatReply{false, said_of(answer.error())};
  }
  metrics_.count_answer(ready->mode, *answer);
  const std::string text = content_of(ChoiceText(text_options_of(*ready)).finish(*answer));
  if (text.empty() && stop.stop_requested())
    return cancelled("[bridge] the answer must have a beginning, but it was stopped; ask again");
  return ChatReply{true, text + note_of(*answer)};
}

}  // namespace melete
