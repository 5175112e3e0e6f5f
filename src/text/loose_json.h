// JSON as models write it: tolerant of what they get wrong, and never an exception or a hang.
#pragma once

#include <optional>
#include <string_view>

#include "base/json.h"

namespace melete {

// The value at the front of `text`, which is then what follows it. Beyond JSON: single quotes, True, False
// and None, trailing commas, keys without quotes, line breaks inside strings, unknown escapes (kept), and, if
// `may_lack_ends`, closing brackets that are missing at the end. Nothing (text is as it was) for anything
// else, or nesting deeper than 64. Time is linear.
std::optional<Json> take_loose_json(std::string_view& text, bool may_lack_ends = true);

// All of `text`, white space aside.
std::optional<Json> parse_loose_json(std::string_view text, bool may_lack_ends = true);

}  // namespace melete
