#include "server/api/answer_api.h"

#include "server/accounts/charge.h"
#include "server/api/conversation.h"

namespace melete {
namespace {

// The body as a run that only needs a worker. Nothing: `problem` is set.
std::optional<int64_t> prepare(const ExchangePtr& exchange, const Surface& surface, const ModelList& models,
                               PreparedAnswer& prepared, std::optional<ApiError>& problem) {
  const auto body = take_json(exchange->request.body, problem);
  if (!body) return std::nullopt;
  problem = surface.check(exchange->request);
  if (problem) return std::nullopt;
  auto parsed = surface.parse(*body, problem);
  if (!parsed) return std::nullopt;
  AnswerRequest& request = parsed->request;
  const Result<const ServedModel*> model = models.find(request.options.model);
  if (!model.ok()) {
    problem = ApiError{404, model.error().message, "model", "model_not_found"};
    return std::nullopt;
  }
  const auto choice = choose_mode(request.options, problem);
  if (!choice) return std::nullopt;
  prepared.run = make_run(request.options, *choice, **model);
  if (!build_conversation(request.messages, **model, prepared.run.conversation, problem)) return std::nullopt;
  request.messages.clear();
  const auto prompt_tokens = prepare_run(request.options, *choice, **model, prepared.run, problem);
  if (!prompt_tokens) return std::nullopt;
  prepared.model = *model;
  prepared.mode = choice->mode;
  prepared.wire = parsed->make_wire(*prompt_tokens);
  const int64_t each = most_tokens(prepared.run, *choice, **model, *prompt_tokens);
  prepared.most_tokens = *prompt_tokens + request.choices * (each - *prompt_tokens);
  prepared.request = std::move(request);
  prepared.surface = &surface;
  exchange->note("model", (*model)->name());
  exchange->note("mode", choice->mode);
  return prompt_tokens;
}

// Of the caller's quotas; refuses where they are used up.
bool reserve(Exchange& exchange, const Surface& surface, int64_t tokens) {
  const Status reserved = exchange.charge->reserve(tokens);
  if (!reserved.ok())
    exchange.respond(
        surface.refuse(quota_error(reserved.error(), exchange.charge->retry_after_s()), exchange.request));
  return reserved.ok();
}

}  // namespace

void AnswerApi::read(ExchangePtr exchange, const Surface& surface, Ready ready) {
  const Status status = readers_.submit({[this, exchange, &surface, ready = std::move(ready)] {
    if (exchange->gone()) return;
    PreparedAnswer prepared;
    std::optional<ApiError> problem;
    const auto prompt_tokens = prepare(exchange, surface, models_, prepared, problem);
    if (!prompt_tokens) return exchange->respond(surface.refuse(*problem, exchange->request));
    ready(exchange, std::move(prepared), *prompt_tokens);
  }});
  if (status.ok()) return;
  metrics_.count_refusal();
  exchange->respond(surface.refuse(api_error(status.error()), exchange->request));
}

void AnswerApi::handle(ExchangePtr exchange, const Surface& surface) {
  read(std::move(exchange), surface, [this](const ExchangePtr& reading, PreparedAnswer prepared, int64_t) {
    const Surface& of = *prepared.surface;
    const bool stream = prepared.request.stream;
    if (!reserve(*reading, of, prepared.most_tokens)) return;
    const Status status = AnswerJob::start(reading, std::move(prepared), runners_, metrics_);
    if (status.ok()) {
      if (stream) reading->allow_stream(of.headers(reading->request));
      return;
    }
    metrics_.count_refusal();
    reading->respond(of.refuse(api_error(status.error()), reading->request));
  });
}

void AnswerApi::count(ExchangePtr exchange, const Surface& surface) {
  read(std::move(exchange), surface,
       [](const ExchangePtr& reading, PreparedAnswer prepared, int64_t prompt_tokens) {
         if (prepared.model->is_remote())
           return reading->respond(
               prepared.surface->refuse({400, "must be a model on this machine, whose tokens can be counted",
                                         "model", "unsupported_model"},
                                        reading->request));
         if (!reserve(*reading, *prepared.surface, 0)) return;
         reading->respond(200, {{"input_tokens", prompt_tokens}});
       });
}

}  // namespace melete
