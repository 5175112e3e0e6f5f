#include "server/api/replay_api.h"

#include <stop_token>

#include "media/decode.h"
#include "server/accounts/charge.h"
#include "server/api/responses_prepare.h"

namespace melete {
namespace {

Json replay_schema(const char* object, const char* id) {
  Json schema = Json::parse(
      R"({"type": "object", "required": ["object", "equal", "difference", "bytes"],
    "properties": {
      "equal": {"type": "boolean"},
      "difference": {"type": ["string", "null"], "description": "where the first one is, and what stood there"},
      "bytes": {"type": "integer", "description": "compared, up to the first difference"},
      "cut": {"type": ["string", "null"], "description": "what ended the run before it was whole"},
      "mode": {"type": "string"},
      "seed": {"type": "integer"}}})");
  schema["required"].push_back(id);
  schema["properties"]["object"] = {{"const", object}};
  schema["properties"][id] = {{"type", "string"}};
  return schema;
}

}  // namespace

void ReplayApi::add_routes(Router& router) {
  add_route(router, "/v1/responses/{id}/replay", "make a kept response again and compare every byte",
            Kind::response);
  add_route(router, "/api/answers/{answer}/replay", "make an answer again and compare every byte",
            Kind::answer);
}

void ReplayApi::add_route(Router& router, const std::string& path, const std::string& summary, Kind kind) {
  const auto handle = [this, kind](const ExchangePtr& exchange) {
    const Status status = readers_.submit({[this, exchange, kind] {
      const std::string id = exchange->request.parameters.at(kind == Kind::response ? "id" : "answer");
      if (!exchange->gone()) read(exchange, kind, id);
    }});
    if (status.ok()) return;
    metrics_.count_refusal();
    refuse(exchange, api_error(status.error()));
  };
  Route route{"POST", path, Access::chat, summary, handle};
  route.response = kind == Kind::response ? replay_schema("response.replay", "response_id")
                                          : replay_schema("answer.replay", "answer_id");
  router.add(std::move(route));
}

Status ReplayApi::check_kept(OwnerId owner, Kind kind, const std::string& id) {
  if (kind == Kind::response) {
    MELETE_RETURN_IF_ERROR(store_.responses(owner).get(id));
    return ok_status();
  }
  MELETE_ASSIGN_OR_RETURN(const AnswerInfo answer, store_.event_logs().get(owner, id));
  if (!answer.of.conversation.empty()) return ok_status();
  return not_found("[answers] the answer must be of a conversation, got ", id,
                   "; a response is replayed at /v1/responses");
}

// The files of the question, as the model was given them.
Result<MediaByHash> ReplayApi::read_media(OwnerId owner, const Json& origin, const ServedModel& model) {
  MediaByHash media;
  for (const Json& file : origin.value("files", Json::array())) {
    const std::string id = file.value("file_id", "");
    MELETE_ASSIGN_OR_RETURN(const std::string bytes, store_.files(owner).read(id));
    MELETE_ASSIGN_OR_RETURN(const Part part, decode_media(bytes, id));
    MELETE_RETURN_IF_ERROR(add_medium(file, part, model.chat().limits(), media));
  }
  return media;
}

std::optional<ReplayApi::Ready> ReplayApi::find(OwnerId owner, const std::string& id,
                                                std::optional<ApiError>& problem) {
  Ready ready;
  const auto fail = [&](ApiError error) {
    problem = std::move(error);
    return std::nullopt;
  };
  const auto log = store_.event_logs().read(owner, id);
  if (!log.ok()) return fail(api_error(log.error()));
  auto runs = runs_of(*log);
  if (runs.empty()) return fail({409, "must be one whose run has ended", "id", "no_whole_run"});
  ready.run = std::move(runs.back());
  const auto origin = origin_of(ready.run);
  if (!origin.ok()) return fail(api_error(origin.error()));
  const Json logged = origin->value("model", Json::object());
  const auto model = models_.find(logged.value("name", ""));
  const auto identity = model.ok() ? identities_.of((*model)->name()) : Result<std::string>(model.error());
  if (!identity.ok() || *identity != logged.value("identity", ""))
    return fail({409,
                 cat("must be of a model that is served unchanged, got ", logged.value("name", ""),
                     " with the hash ", logged.value("identity", ""), " then and ",
                     identity.ok() ? *identity : "none", " now; serve that one"),
                 "id", "other_model"});
  ready.model = *model;
  if (ready.model->is_remote())
    return fail({409, "must be of a model on this machine, got one of another server", "id", "other_model"});
  auto media = read_media(owner, *origin, **model);
  if (!media.ok()) return fail(api_error(media.error()));
  ready.media = *std::move(media);
  const Usage before = answer_of(*log).usage;
  ready.tokens = before.prompt_tokens + before.reasoning_tokens + before.answer_tokens;
  return ready;
}

void ReplayApi::read(const ExchangePtr& exchange, Kind kind, const std::string& id) {
  const Status kept = check_kept(exchange->caller.user, kind, id);
  if (!kept.ok()) return refuse(exchange, api_error(kept.error()));
  std::optional<ApiError> problem;
  auto ready = find(exchange->caller.user, id, problem);
  if (!ready) return refuse(exchange, *problem);
  if (const Status reserved = exchange->charge->reserve(ready->tokens); !reserved.ok())
    return refuse(exchange, quota_error(reserved.error(), exchange->charge->retry_after_s()));
  std::stop_source stop;
  exchange->on_gone([stop]() mutable { stop.request_stop(); });
  const Status status = runners_.submit({[exchange, kind, id, stop, ready = *std::move(ready)] {
    const auto again = [&](const std::string& mode, const Request& request, EventSink& sink) {
      return ready.model->answer(mode, request, sink, stop.get_token());
    };
    const auto report = replay(ready.run, ready.media, ready.model->chat(), again);
    exchange->charge->add(ready.tokens);
    exchange->charge->settle();
    if (!report.ok()) return refuse(exchange, api_error(report.error()));
    Json told = to_json(*report);
    told["object"] = kind == Kind::response ? "response.replay" : "answer.replay";
    told[kind == Kind::response ? "response_id" : "answer_id"] = id;
    exchange->respond(200, told);
  }});
  if (status.ok()) return;
  metrics_.count_refusal();
  refuse(exchange, api_error(status.error()));
}

}  // namespace melete
