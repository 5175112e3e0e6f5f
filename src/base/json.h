// The JSON value used everywhere: nlohmann's, keeping the order of keys so that files and logs are stable.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace melete {

using Json = nlohmann::ordered_json;

// Parses UTF-8 text; `where` names the source in errors. Depth is limited to 128, so hostile nesting is an
// Error.
Result<Json> parse_json(std::string_view text, std::string_view where);

// The text of any value: on one line, or with `indent` spaces a level. Bytes that aren't UTF-8 become U+FFFD,
// where dump() would throw.
std::string json_text(const Json& value, int indent = -1);

}  // namespace melete
