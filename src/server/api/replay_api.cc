#include "server/api/replay_api.h"

#include <stop_token>

#include "agent/replay.h"
#include "server/accounts/charge.h"
#include "server/api/api_error.h"
#include "server/api/part_data.h"
#include "server/api/responses_prepare.h"

namespace melete {
namespace {

Json replay_schema() {
  return Json::parse(
      R"({"type": "object", "required": ["object", "response_id", "equal", "difference", "bytes"],
    "properties": {
      "object": {"const": "response.replay"},
      "response_id": {"type": "string"},
      "equal": {"type": "boolean"},
      "difference": {"type": ["string", "null"], "description": "where the first one is, and what stood there"},
      "bytes": {"type": "integer", "description": "compared, up to the first difference"},
      "cut": {"type": ["string", "null"], "description": "what ended the run before it was whole"},
      "mode": {"type": "string"},
      "seed": {"type": "integer"}}})");
}

// The media of the kept response and of those before it, as the model was given them.
bool read_media(const std::vector<StoredResponse>& chain, const FileLookup& files, const ServedModel& model,
                MediaByHash& media, std::optional<ApiError>& problem) {
  for (const StoredResponse& row : chain) {
    std::vector<WireMessage> messages;
    if (!read_items(input_of(row), "input", files, messages, problem)) return false;
    for (const WireMessage& message : messages) {
      const auto parts = build_parts(message.parts, model, problem);
      if (!parts) return false;
      for (const MessagePart& part : *parts)
        if (const auto* medium = std::get_if<std::shared_ptr<const Media>>(&part))
          media[media_hash(**medium)] = *medium;
    }
  }
  return true;
}

}  // namespace

void ReplayApi::add_routes(Router& router) {
  const auto handle = [this](const ExchangePtr& exchange) {
    const Status status = readers_.submit({[this, exchange] {
      if (!exchange->gone()) read(exchange);
    }});
    if (status.ok()) return;
    metrics_.count_refusal();
    refuse(exchange, api_error(status.error()));
  };
  router.add({"POST",
              "/v1/responses/{id}/replay",
              Access::chat,
              "make a kept response again and compare every byte",
              handle,
              {},
              replay_schema()});
}

std::optional<ReplayApi::Ready> ReplayApi::find(OwnerId owner, const std::string& id,
                                                std::optional<ApiError>& problem) {
  Ready ready;
  const auto fail = [&](ApiError error) {
    problem = std::move(error);
    return std::nullopt;
  };
  const auto chain = store_.responses(owner).chain(id);
  if (!chain.ok()) return fail(api_error(chain.error()));
  const auto log = store_.event_logs().read(owner, id);
  if (!log.ok()) return fail(api_error(log.error()));
  auto runs = runs_of(*log);
  if (runs.empty()) return fail({409, "must be a response whose run has ended", "id", "no_whole_run"});
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
  if (!read_media(*chain, file_lookup(store_, owner), **model, ready.media, problem)) return std::nullopt;
  const Usage before = answer_of(*log).usage;
  ready.tokens = before.prompt_tokens + before.reasoning_tokens + before.answer_tokens;
  return ready;
}

void ReplayApi::read(const ExchangePtr& exchange) {
  const std::string id = exchange->request.parameters.at("id");
  std::optional<ApiError> problem;
  auto ready = find(exchange->caller.user, id, problem);
  if (!ready) return refuse(exchange, *problem);
  if (const Status reserved = exchange->charge->reserve(ready->tokens); !reserved.ok())
    return refuse(exchange, quota_error(reserved.error(), exchange->charge->retry_after_s()));
  std::stop_source stop;
  exchange->on_gone([stop]() mutable { stop.request_stop(); });
  const Status status = runners_.submit({[exchange, id, stop, ready = *std::move(ready)] {
    const auto again = [&](const std::string& mode, const Request& request, EventSink& sink) {
      return ready.model->answer(mode, request, sink, stop.get_token());
    };
    const auto report = replay(ready.run, ready.media, ready.model->chat(), again);
    exchange->charge->add(ready.tokens);
    exchange->charge->settle();
    if (!report.ok()) return refuse(exchange, api_error(report.error()));
    Json told = to_json(*report);
    told.update({{"object", "response.replay"}, {"response_id", id}});
    exchange->respond(200, told);
  }});
  if (status.ok()) return;
  metrics_.count_refusal();
  refuse(exchange, api_error(status.error()));
}

}  // namespace melete
