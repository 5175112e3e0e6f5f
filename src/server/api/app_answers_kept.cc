// Answers that there are already: how one stands, its events again, and what is wanted of it while it is
// made.
#include <array>

#include "server/api/app_answers.h"
#include "server/api/app_conversations.h"

namespace melete {
namespace {

// The message that an answer belongs to.
Result<StoredMessage> answered_message(const Conversations& all, const AnswerInfo& answer) {
  MELETE_ASSIGN_OR_RETURN(const auto tree, all.tree(answer.of.conversation));
  for (const StoredMessage& message : tree)
    if (message.meta.value("answer", "") == answer.id) return message;
  return not_found("[answers] its message must still be there, got ", answer.id, ", deleted meanwhile");
}

uint64_t first_wanted(const HttpRequest& request) {
  const auto query = parse_query(request.query);
  const auto after = query.find("after");
  const std::string text(after == query.end() ? request.header("last-event-id") : after->second);
  const bool is_number =
      !text.empty() && text.size() < 19 && text.find_first_not_of("0123456789") == std::string::npos;
  return is_number ? std::stoull(text) + 1 : 0;
}

}  // namespace

// The caller's answer of the request's path. None: the caller is told that there is none.
std::optional<AnswerInfo> AppAnswers::kept_answer(Exchange& exchange) const {
  auto answer = store_.event_logs().get(exchange.caller.user, exchange.request.parameters.at("answer"));
  if (answer.ok()) return *std::move(answer);
  exchange.respond(error_of_answer(answer.error()));
  return std::nullopt;
}

void AppAnswers::show(const ExchangePtr& exchange) {
  const auto answer = kept_answer(*exchange);
  if (!answer) return;
  exchange->respond(200, {{"id", answer->id},
                          {"conversation", answer->of.conversation},
                          {"status", answer->status},
                          {"created_ms", answer->created_ms}});
}

// An answer under way is followed, one that has ended comes from its log.
void AppAnswers::events(const ExchangePtr& exchange) {
  const OwnerId owner = exchange->caller.user;
  const std::string& id = exchange->request.parameters.at("answer");
  const uint64_t from_seq = first_wanted(exchange->request);
  if (const auto live = live_.find(owner, id)) return live->follow(exchange, "", from_seq);
  const auto answer = kept_answer(*exchange);
  if (!answer) return;
  const auto events = store_.event_logs().read(owner, id, from_seq);
  if (!events.ok()) return exchange->respond(error_of_answer(events.error()));
  Json last = Json::object();
  const auto message = answered_message(store_.conversations(owner), *answer);
  if (message.ok())
    last["message"] = message_json(*message);
  else
    last["error"] = openai_error(api_error(message.error()))["error"];
  std::string all;
  for (const Event& event : *events)
    if (event.kind != "run.request") all += run_event_text(event);
  exchange->begin_stream();
  exchange->put(all + answer_event("done", last));
  exchange->end_stream();
}

void AppAnswers::stop(const ExchangePtr& exchange) {
  const auto answer = kept_answer(*exchange);
  if (!answer) return;
  if (const auto live = live_.find(exchange->caller.user, answer->id)) live->stop();
  exchange->respond({204, "", "", {}});
}

// What is wanted of an answer that has ended changes nothing.
void AppAnswers::steer(const ExchangePtr& exchange) {
  const auto answer = kept_answer(*exchange);
  if (!answer) return;
  std::optional<ApiError> problem;
  const Json json = read_json_body(*exchange, problem);
  WireReader body(json, "", problem);
  body.require("action");
  const auto action = body.choice("action", {"answer", "kill", "pin"});
  const auto agent = body.integer("agent", 0, 255);
  if (action && *action != 0) body.require("agent");
  body.finish();
  if (problem) return exchange->respond(openai_response(*problem));
  constexpr std::array kKinds = {Steer::Kind::answer, Steer::Kind::kill, Steer::Kind::pin};
  const Steer wish{kKinds.at(*action), static_cast<int32_t>(agent.value_or(Steer::kAll))};
  if (const auto live = live_.find(exchange->caller.user, answer->id)) live->steer(wish);
  exchange->respond({204, "", "", {}});
}

std::function<void(ExchangePtr)> AppAnswers::on_worker(Step step) {
  return [this, step](ExchangePtr exchange) {
    const Status status = workers_.submit({[this, step, exchange] {
      keep_ends();
      (this->*step)(exchange);
    }});
    if (!status.ok()) exchange->respond(error_of_answer(status.error()));
  };
}

void AppAnswers::add_routes(Router& router) {
  Route ask{"POST", "/api/conversations/{id}/answers", Access::chat,
            "say something and have it answered, or have a message answered again",
            on_worker(&AppAnswers::begin)};
  ask.request = schema_named("Question");
  ask.response = schema_named("AnswerEvent");
  ask.response_type = "text/event-stream";
  router.add(std::move(ask));
  router.add({"GET",
              "/api/answers/{answer}",
              Access::data,
              "how an answer stands",
              on_worker(&AppAnswers::show),
              {},
              schema_named("AnswerState")});
  Route events{"GET", "/api/answers/{answer}/events", Access::data,
               "an answer's events, from the one after Last-Event-ID on", on_worker(&AppAnswers::events)};
  events.response = schema_named("AnswerEvent");
  events.response_type = "text/event-stream";
  events.query = {{"after", {{"type", "integer"}, {"minimum", 0}}}};
  router.add(std::move(events));
  router.add({"POST", "/api/answers/{answer}/stop", Access::data, "end an answer with what it has",
              on_worker(&AppAnswers::stop)});
  router.add({"POST", "/api/answers/{answer}/steer", Access::data,
              "have agents answer now, end one, or let one's answer win", on_worker(&AppAnswers::steer),
              schema_named("Steer")});
}

}  // namespace melete
