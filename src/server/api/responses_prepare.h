// From the body of POST /v1/responses to a response that is ready to run.
#pragma once

#include "server/accounts/caller.h"
#include "server/api/model_identities.h"
#include "server/api/responses_items.h"
#include "server/api/responses_job.h"
#include "server/api/responses_request.h"
#include "server/generation/model_list.h"
#include "server/http/exchange.h"

namespace melete {

// What a response is made of; all outlive it.
struct ResponseSources {
  const ModelList& models;
  ModelIdentities& identities;
  Store& store;
};

struct ReadyResponse {
  PreparedResponse prepared;
  Json record;         // of a kept one: run_record()
  StoredResponse row;  // what is kept, where it is
  int64_t prompt_tokens = 0;
  int64_t most_tokens = 0;  // see most_tokens()
  bool streams = false;
};

// Reads the body, the responses before it and the files that it names, and puts its own files into the store
// where the response is kept. Nothing: `problem` is set.
std::optional<ReadyResponse> prepare_response(const Json& body, const Caller& caller,
                                              const ResponseSources& sources,
                                              std::optional<ApiError>& problem);

// Only what the body asks, for its tokens: keeps nothing.
std::optional<int64_t> count_input_tokens(const Json& body, const Caller& caller,
                                          const ResponseSources& sources, std::optional<ApiError>& problem);

// The items that a kept response was asked with.
Json input_of(const StoredResponse& row);

// Of a file of the owner's.
FileLookup file_lookup(Store& store, OwnerId owner);

// Answers with the error, in OpenAI's shape.
void refuse(const ExchangePtr& exchange, const ApiError& error);

}  // namespace melete
