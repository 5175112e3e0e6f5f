// The counts of a schema: minItems and maxItems, minLength and maxLength.
#pragma once

#include <string>

#include "base/json.h"

namespace melete {

struct Counts {
  int64_t min = 0, max = -1;  // -1: unbounded
  bool given = false;
};

// Errors: invalid_argument (not a whole number of 0 to 10,000, or min above max).
Result<Counts> schema_counts(const Json& schema, const std::string& min_key, const std::string& max_key,
                             const std::string& where);

}  // namespace melete
