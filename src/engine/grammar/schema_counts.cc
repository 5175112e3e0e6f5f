#include "engine/grammar/schema_counts.h"

#include <cmath>

namespace melete {
namespace {

constexpr int64_t kMaxItems = 10'000;

}  // namespace

Result<Counts> schema_counts(const Json& schema, const std::string& min_key, const std::string& max_key,
                             const std::string& where) {
  Counts counts;
  for (const auto& [key, value] : {std::pair(min_key, &counts.min), std::pair(max_key, &counts.max)}) {
    if (!schema.contains(key)) continue;
    const Json& given = schema[key];
    const double number = given.is_number() ? given.get<double>() : -1;
    if (!(number >= 0 && number <= static_cast<double>(kMaxItems)) || number != std::floor(number))
      return invalid_argument("[schema] ", key, " must be a whole number of 0 to ", kMaxItems, ", got ",
                              json_text(given), " at ", where, "; give one, or leave it out");
    *value = static_cast<int64_t>(number);
    counts.given = true;
  }
  if (counts.max >= 0 && counts.min > counts.max)
    return invalid_argument("[schema] ", min_key, " must be at most ", max_key, ", got ", counts.min, " and ",
                            counts.max, " at ", where, "; correct one");
  return counts;
}

}  // namespace melete
