// Responses that the Responses surface keeps: request and output as JSON, chained by previous_response_id.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "server/store/clock.h"
#include "server/store/owned.h"

namespace melete {

struct StoredResponse {
  std::string id;        // "resp_..."
  std::string previous;  // id, or empty
  std::string status;    // "queued", "in_progress", "completed", "incomplete", "failed", "cancelled"
  std::string model;
  Json request, output;  // as the surface wants them: input items and output items
  std::vector<std::string> files = {};
  int64_t created_ms = 0;
};

class Responses {
 public:
  Responses(Database& database, OwnerId owner, Clock clock = system_time_ms);

  // An empty id is replaced by a new one, created_ms 0 by now. Errors: invalid_argument (status, or the id is
  // taken), not_found (previous or a file).
  Result<StoredResponse> create(StoredResponse response);
  // Puts back a response from an export, whose previous one may be gone.
  Status restore(const StoredResponse& response);
  Status update(const std::string& id, const std::string& status, const Json& output);
  Result<StoredResponse> get(const std::string& id) const;
  // From the first response of its chain to `id` itself, at most `max_length`. Errors: not_found (also if a
  // former one was deleted), exhausted (a longer chain).
  Result<std::vector<StoredResponse>> chain(const std::string& id, int64_t max_length = 1000) const;
  // Oldest first.
  Result<std::vector<StoredResponse>> list() const;
  Status remove(const std::string& id);
  // Called by the one server of a data folder when it starts, for all owners: what a former one left queued
  // or in progress has failed. How many.
  static Result<int64_t> recover(Database& database);

 private:
  Result<StoredResponse> read(const Statement& row) const;
  Status insert(const StoredResponse& response);

  Owned owned_;
  Clock clock_;
};

}  // namespace melete
