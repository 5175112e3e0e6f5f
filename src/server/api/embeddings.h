// POST /v1/embeddings, in OpenAI's form: a vector of length 1 for each text.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/base64.h"
#include "server/api/wire_reader.h"
#include "server/generation/model_list.h"
#include "server/generation/worker_threads.h"
#include "server/http/exchange.h"

namespace melete {

struct EmbeddingsRequest {
  struct Input {
    std::string path;  // in the body
    std::string text;
    std::vector<int32_t> tokens;  // instead of text, if there are any
  };
  std::string model;
  std::vector<Input> inputs;
  bool in_base64 = false;
  std::optional<int64_t> dimensions;  // must be the model's
};

inline constexpr size_t kMaxEmbeddings = 256;

// Pure. Nothing if `problem` is set.
std::optional<EmbeddingsRequest> parse_embeddings_request(const Json& body, std::optional<ApiError>& problem);

class EmbeddingsApi {
 public:
  // Both outlive this object and the tasks it submits.
  EmbeddingsApi(const ModelList& models, WorkerThreads& runners) : models_(models), runners_(runners) {}

  void handle(ExchangePtr exchange);

 private:
  const ModelList& models_;
  WorkerThreads& runners_;
};

Json embeddings_request_schema();
Json embeddings_schema();

}  // namespace melete
