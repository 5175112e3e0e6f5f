// What the access log tells of a request and its answer.
#pragma once

#include <chrono>
#include <string>

#include "base/json.h"

namespace melete {

struct AccessRecord {
  std::string method, target;
  std::chrono::steady_clock::time_point begin = {}, first_byte = {};
  int status = 0;
  int64_t bytes = 0, body_bytes = 0;
  bool is_stream = false, whole = false;
};

// The log's line of an answer that ends now; `notes` are the handler's own members.
Json access_line(const AccessRecord& record, const std::string& id, const std::string& client,
                 const Json& notes);

}  // namespace melete
