// What the routes of the app (/api/*) have in common: handlers that run on a worker thread and return what
// they answer, errors included.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "server/accounts/gatekeeper.h"
#include "server/accounts/invitations.h"
#include "server/api/api_error.h"
#include "server/api/live_answers.h"
#include "server/api/wire_reader.h"
#include "server/app/artifact_frame.h"
#include "server/generation/worker_threads.h"
#include "server/store/store.h"

namespace melete {

// All outlive the routes.
struct AppServices {
  Store& store;
  Accounts& accounts;
  Keys& keys;
  Invitations& invitations;
  const Gatekeeper& gate;
  LiveAnswers& live;
  WorkerThreads& workers;
  const ArtifactsPlace& artifacts;
};

// What a handler answers: JSON, nothing (204), an error, or anything else as it is.
class Reply {
 public:
  Reply(HttpResponse response) : response_(std::move(response)) {}             // NOLINT: implicit
  Reply(const Json& body) { response_.body = json_text(body); }                // NOLINT
  Reply(const Error& error) : response_(openai_response(api_error(error))) {}  // NOLINT
  Reply(const ApiError& error) : response_(openai_response(error)) {}          // NOLINT
  static Reply done() { return HttpResponse{204, "", "", {}}; }

  Reply&& with(const std::string& name, std::string value) && {
    response_.headers.emplace_back(name, std::move(value));
    return std::move(*this);
  }
  HttpResponse take() && { return std::move(response_); }

 private:
  HttpResponse response_;
};

using AppHandler = Reply (*)(const AppServices& services, Exchange& exchange);

// Answers on a worker thread; 429 where these have no room. The services outlive what is returned.
std::function<void(ExchangePtr)> on_worker(const AppServices& services, AppHandler handler);

// A body of JSON; without one, an empty object. Null: `problem` is set.
Json read_json_body(Exchange& exchange, std::optional<ApiError>& problem);

// A number in the query. Nothing: it isn't there, or `problem` is set.
std::optional<int64_t> query_number(const std::map<std::string, std::string>& query, const std::string& name,
                                    int64_t least, int64_t most, std::optional<ApiError>& problem);

// {"$ref": "#/components/schemas/NAME"}.
Json schema_named(const std::string& name);
// {"type": "object", "required": [NAME], "properties": {NAME: [ITEM, ...]}}.
Json list_schema(const std::string& name, const std::string& item);

}  // namespace melete
