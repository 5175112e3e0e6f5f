// Strings of a schema: formats, and lengths and patterns of what stands between the quotes.
#pragma once

#include <string>

#include "engine/grammar/json_rules.h"

namespace melete {

// The string, quotes included. Errors: invalid_argument, exhausted.
Result<Expr> schema_string(const Json& schema, const std::string& where, JsonRules& rules);

}  // namespace melete
