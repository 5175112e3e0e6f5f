#include "server/api/app_answers.h"

#include "agent/run_record.h"
#include "base/log.h"
#include "server/accounts/charge.h"
#include "server/api/app_conversations.h"
#include "server/api/chat_wire.h"
#include "server/api/content.h"
#include "server/store/secret.h"

namespace melete {
namespace {

Role stored_role(const std::string& name) {
  if (name == "system") return Role::system;
  return name == "assistant" ? Role::assistant : Role::user;
}

// What was stored, as the parts that a surface would have brought. Errors: not_found, corrupt (a file).
Result<WireMessage> wire_of(const StoredMessage& stored, const Files& files, const std::string& path) {
  WireMessage message;
  message.role = stored_role(stored.role);
  const Json parts = stored.content.is_array() ? stored.content
                                               : Json::array({{{"type", "text"}, {"text", stored.content}}});
  for (const Json& json : parts) {
    WirePart part;
    part.path = path;
    if (json.value("type", "") == "file") {
      MELETE_ASSIGN_OR_RETURN(const StoredFile file, files.get(json.value("file_id", "")));
      MELETE_ASSIGN_OR_RETURN(part.bytes, files.read(file.id));
      part.name = file.name;
      part.is_file = true;
    } else {
      part.text = json.value("text", "");
    }
    message.parts.push_back(std::move(part));
  }
  return message;
}

bool is_fence(const std::string& words) {
  return words.size() <= 60 &&
         words.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789 -") == std::string::npos;
}

}  // namespace

// What is asked, and what the run needs.
struct AppAnswers::Question {
  AnswerOptions options;
  std::string conversation;
  std::string system;
  std::string fence;  // the answer's text is kept as a block of code with these words; empty: as it is
  std::optional<NewMessage> message;  // to be added; else `parent` is answered
  // Of the message, or what is answered; empty: a root; none: what is shown last.
  std::optional<std::string> parent;
  std::vector<StoredMessage> path;  // to the question, which is last
  const ServedModel* model = nullptr;
  ModeChoice choice;
  Request run;
  Json record;  // run_record()
};

struct AppAnswers::Job {
  OwnerId owner;
  const ServedModel& model;
  const std::string mode;
  Request run;
  Json record;
  const StoredMessage message;  // of the answer
  const std::string added;      // the first message that is new
  const std::shared_ptr<LiveAnswer> live;
  const std::shared_ptr<Charge> charge;
  bool waits = false, ended = false;
};

std::optional<AppAnswers::Question> AppAnswers::read(Exchange& exchange, std::optional<ApiError>& problem) {
  const Json json = read_json_body(exchange, problem);
  WireReader body(json, "", problem);
  Question question;
  AnswerOptions& options = question.options;
  question.conversation = exchange.request.parameters.at("id");
  options.model = body.text("model").value_or("melete-thinking");
  question.system = body.text("system").value_or("");
  const auto to = body.text("to");
  question.parent = to;
  if (const Json* given = body.object("message")) {
    if (to) body.fail("to", "invalid_value", "can't be given with a new message");
    WireReader reader(*given, "message", problem);
    NewMessage& message = question.message.emplace();
    message.role = "user";
    const auto parent = reader.text("parent");
    if (given->contains("parent")) question.parent = parent.value_or("");
    MessageContent content = read_content(reader, problem);
    message.content = std::move(content.content);
    message.files = std::move(content.files);
    reader.finish();
  } else if (!to) {
    body.fail("message", "missing_required_parameter", "must be given, or \"to\", the message to answer");
  }
  options.max_tokens = body.integer("max_tokens", 1, 1 << 24);
  read_effort(body, options);
  read_sampling(body, options);
  read_extension(body, options, problem);
  read_response_format(body, options, problem);
  question.fence = body.text("fence").value_or("");
  if (!is_fence(question.fence))
    body.fail("fence", "invalid_value", "must be words of lower-case letters and digits, at most 60 bytes");
  if (!question.fence.empty() && !options.grammar)  // other text might have fences of its own
    body.fail("fence", "invalid_value", "may only be given with a response_format of JSON");
  body.finish();
  if (problem) return std::nullopt;
  return question;
}

// Finds the path to what is asked.
bool AppAnswers::place(Question& question, const Exchange& exchange, std::optional<ApiError>& problem) {
  const Conversations all = store_.conversations(exchange.caller.user);
  const auto refuse = [&](const Error& error) {
    problem = api_error(error);
    return false;
  };
  const auto conversation = all.get(question.conversation);
  if (!conversation.ok()) return refuse(conversation.error());
  if (!question.parent) question.parent = conversation->active_leaf;
  if (!question.parent->empty()) {
    auto path = all.path(question.conversation, *question.parent);
    if (!path.ok()) return refuse(path.error());
    question.path = *std::move(path);
  }
  if (!question.message) return true;
  question.message->parent = *question.parent;
  StoredMessage asked;
  asked.role = "user";
  asked.content = question.message->content;
  question.path.push_back(std::move(asked));
  return true;
}

// System messages at the beginning become the system text.
bool AppAnswers::build(Question& question, const Exchange& exchange, std::optional<ApiError>& problem) {
  const auto model = models_.find(question.options.model);
  if (!model.ok()) {
    problem = ApiError{404, model.error().message, "model", "model_not_found"};
    return false;
  }
  question.model = *model;
  const auto choice = choose_mode(question.options, problem);
  if (!choice) return false;
  question.choice = *choice;
  question.run = make_run(question.options, *choice, **model);
  Conversation& conversation = question.run.conversation;
  conversation.system = question.system;
  const Files files = store_.files(exchange.caller.user);
  for (size_t i = 0; i < question.path.size(); ++i) {
    const auto wire = wire_of(question.path[i], files, cat("message ", i + 1, " of the conversation"));
    if (!wire.ok()) problem = api_error(wire.error());
    std::optional<Message> message;
    if (wire.ok()) message = build_message(*wire, **model, problem);
    if (!message) return false;
    if (wire->role == Role::system && conversation.messages.empty()) {
      for (const MessagePart& part : message->parts)
        conversation.system += cat(conversation.system.empty() ? "" : "\n\n", std::get<TextPart>(part).text);
    } else {
      conversation.messages.push_back(*std::move(message));
    }
  }
  return true;
}

// What it takes to make the answer again.
bool AppAnswers::record(Question& question, std::optional<ApiError>& problem) {
  Json files = Json::array();
  for (const StoredMessage& message : question.path)
    if (message.content.is_array())
      for (const Json& part : message.content)
        if (part.value("type", "") == "file") files.push_back({{"file_id", part["file_id"]}});
  auto origin = identities_.origin(question.model->name(), std::move(files));
  if (!origin.ok()) problem = api_error(origin.error());
  if (origin.ok()) question.record = run_record(question.run, question.options.grammar, *std::move(origin));
  return origin.ok();
}

// Puts question, answer and log into the store as one; `first` tells the reader of them.
Result<std::shared_ptr<AppAnswers::Job>> AppAnswers::keep(Question question, const Exchange& exchange,
                                                          std::string& first) {
  const OwnerId owner = exchange.caller.user;
  Conversations all = store_.conversations(owner);
  MELETE_ASSIGN_OR_RETURN(Transaction transaction,
                          Transaction::begin(store_.database(), "beginning an answer"));
  std::string added;
  if (question.message) {
    MELETE_ASSIGN_OR_RETURN(const StoredMessage asked, all.add(question.conversation, *question.message));
    added = asked.id;
    question.parent = asked.id;
    first += answer_event("message", message_json(asked));
  }
  const std::string id = new_id("ans");
  NewMessage message{*question.parent, "assistant", "", {}, {}};
  message.meta = {{"answer", id},
                  {"status", "running"},
                  {"model", question.options.model},
                  {"mode", question.choice.mode},
                  {"seed", question.run.seed}};
  if (!question.fence.empty()) message.meta["fence"] = question.fence;
  MELETE_ASSIGN_OR_RETURN(StoredMessage answer, all.add(question.conversation, message));
  MELETE_ASSIGN_OR_RETURN(auto log, store_.event_logs().create(owner, {question.conversation, ""}, id));
  MELETE_RETURN_IF_ERROR(transaction.commit());
  if (added.empty()) added = answer.id;
  first += answer_event("answer", message_json(answer));
  const auto live = std::make_shared<LiveAnswer>(std::move(log), question.conversation);
  return std::make_shared<Job>(Job{owner, *question.model, question.choice.mode, std::move(question.run),
                                   std::move(question.record), std::move(answer), std::move(added), live,
                                   exchange.charge});
}

Status AppAnswers::submit(const std::shared_ptr<Job>& job) {
  live_.add(job->owner, job->live);
  // A task that is dropped as the server stops ends its answer too.
  const std::shared_ptr<void> always(nullptr, [this, job](void*) {
    if (job->waits && !job->ended)
      end(*job, cancelled("[answers] the server must run, but it stopped; ask again"));
  });
  const Status status = runners_.submit({[this, job, always] { run(*job); }});
  job->waits = status.ok();
  if (status.ok()) return status;
  metrics_.count_refusal();
  live_.remove(job->owner, job->live->log().id());
  // Nothing was said: nothing stays.
  const std::string& conversation = job->live->conversation();
  MELETE_RETURN_IF_ERROR(store_.event_logs().finish(job->live->log(), "failed"));
  MELETE_RETURN_IF_ERROR(store_.conversations(job->owner).remove_message(conversation, job->added));
  return status;
}

void AppAnswers::begin(const ExchangePtr& exchange) {
  std::optional<ApiError> problem;
  const auto refuse = [&] { exchange->respond(openai_response(*problem)); };
  auto question = read(*exchange, problem);
  if (!question || !place(*question, *exchange, problem) || !build(*question, *exchange, problem))
    return refuse();
  const auto prompt =
      prepare_run(question->options, question->choice, *question->model, question->run, problem);
  if (!prompt || !record(*question, problem)) return refuse();
  const int64_t most = most_tokens(question->run, question->choice, *question->model, *prompt);
  if (const Status reserved = exchange->charge->reserve(most); !reserved.ok()) {
    problem = quota_error(reserved.error(), exchange->charge->retry_after_s());
    return refuse();
  }
  exchange->note("model", question->model->name());
  exchange->note("mode", question->choice.mode);
  std::string first;
  const auto job = keep(*std::move(question), *exchange, first);
  if (!job.ok()) return exchange->respond(error_of_answer(job.error()));
  if (const Status submitted = submit(*job); !submitted.ok())
    return exchange->respond(error_of_answer(submitted.error()));
  (*job)->live->follow(exchange, std::move(first), 0);
}

// A bug of ours that ends the run (logged by the worker's thread) ends the answer too.
void AppAnswers::run(Job& job) {
  LiveAnswer& live = *job.live;
  job.run.stop_requested = [&] { return live.stop_requested(); };
  job.run.steers = [&] { return live.take_steers(); };
  Result<Answer> answer = unavailable("[answers] the run must end by itself, got a failure; see the log");
  const std::shared_ptr<void> always(nullptr, [&](void*) { end(job, answer); });
  live.log().put({0, -1, "run.request", 0, std::move(job.record)});
  answer = job.model.answer(job.mode, job.run, live);
}

// Stores how the run ended, then tells its readers.
void AppAnswers::end(Job& job, const Result<Answer>& answer) {
  job.ended = true;
  LiveAnswer& live = *job.live;
  StoredMessage message = job.message;
  message.meta["status"] = answer.ok() ? "completed" : "failed";
  if (answer.ok()) {
    metrics_.count_answer(job.mode, *answer);
    const std::string fence = message.meta.value("fence", "");
    message.content = fence.empty() ? answer->text : cat("```", fence, "\n", answer->text, "\n```");
    message.meta["reasoning"] = answer->reasoning;
    message.meta["finish"] = answer->finish;
    message.meta["details"] = answer_details(*answer, job.mode, job.run.seed);
    if (!answer->reasoning.empty() && live.reasoning_s() > 0)
      message.meta["details"]["timings"]["reasoning_s"] = live.reasoning_s();
    job.charge->add(answer->usage.prompt_tokens + answer->usage.reasoning_tokens +
                    answer->usage.answer_tokens);
  } else {
    metrics_.count_failure(job.mode, answer.error().kind);
    message.meta["error"] = answer.error().message;
  }
  job.charge->settle();
  Json last = {{"message", message_json(message)}};
  Ended ended{job.owner, job.live, std::move(message)};
  if (const Status kept = keep_end(ended); !kept.ok()) {
    log_warn(kept.error().message);
    last["error"] = openai_error(api_error(kept.error()))["error"];
    const std::lock_guard lock(unkept_mutex_);
    if (!is_kept(ended)) unkept_.push_back(std::move(ended));
  }
  live.finish(answer_event("done", last));
  live_.remove(job.owner, live.log().id());
}

Status AppAnswers::keep_end(const Ended& ended) {
  const StoredMessage& message = ended.message;
  MELETE_RETURN_IF_ERROR(store_.conversations(ended.owner)
                             .replace(ended.live->conversation(), message.id, message.content, message.meta));
  return store_.event_logs().finish(ended.live->log(), message.meta["status"]);
}

bool AppAnswers::is_kept(const Ended& ended) const {
  const auto answer = store_.event_logs().get(ended.owner, ended.live->log().id());
  return answer.ok() ? answer->status != "running" : answer.error().kind == ErrorKind::not_found;
}

void AppAnswers::keep_ends() {
  const std::lock_guard lock(unkept_mutex_);
  std::erase_if(unkept_, [this](const Ended& ended) { return keep_end(ended).ok() || is_kept(ended); });
}

}  // namespace melete
