// Numbers between bounds, as expressions of their digits.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "engine/grammar/expression.h"

namespace melete {

// A bound of decimal digits: value = (-1)^negative * integer.fraction. Without leading zeros before the point
// (but "0") and without trailing zeros behind it.
struct DecimalBound {
  bool negative = false;
  std::string integer = "0", fraction = {};
  bool exclusive = false;
};

// Nothing if the number has more than 18 digits before the point or 20 behind it.
std::optional<DecimalBound> decimal_bound(const Json& number, bool exclusive);

// JSON numbers without exponent from low to high (nothing: unbounded, 18 digits). Integers have no fraction.
// An empty choice if there is none.
Expr numbers_between(const std::optional<DecimalBound>& low, const std::optional<DecimalBound>& high,
                     bool integers);

}  // namespace melete
