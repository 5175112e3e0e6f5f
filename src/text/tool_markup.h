// Tool definitions, calls and results as text (muse_spark, "Conversation format").
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace melete {

// JSON on one line with ", " and ": ", as Python and Jinja's tojson write it, so that templates agree byte
// for byte.
std::string spaced_json(const Json& value);

// The part of a definition that has the name: the value of "function" if there is one, else the definition
// itself.
const Json& tool_function(const Json& definition);

// The name of a definition, or empty.
std::string tool_name(const Json& definition);

// The text of a call: strings raw, everything else JSON. `arguments` must be an object (others give no
// parameters).
std::string tool_call_text(std::string_view name, const Json& arguments);

// The text of a result.
std::string tool_output_text(std::string_view name, std::string_view output);

// A recipient or tool name: 1 to 128 of A-Z a-z 0-9 _ . : / -
bool is_valid_name(std::string_view name);

}  // namespace melete
