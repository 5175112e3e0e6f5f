// What a user chose in the app: one JSON object, whose members are the app's.
#pragma once

#include "base/json.h"
#include "server/store/owned.h"

namespace melete {

class Settings {
 public:
  static constexpr size_t kMaxBytes = 256 << 10;

  Settings(Database& database, OwnerId owner) : owned_(database, owner) {}

  // An empty object if nothing was put.
  Result<Json> get() const;
  // Replaces all of it. Errors: invalid_argument (no object, or more than kMaxBytes as text).
  Status put(const Json& settings);

 private:
  Owned owned_;
};

}  // namespace melete
