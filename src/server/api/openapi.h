// openapi.json, made from the table of routes. Pure.
#pragma once

#include <vector>

#include "base/json.h"
#include "server/http/router.h"

namespace melete {

// OpenAPI 3.1. `schemas`: by name, for what the routes refer to as #/components/schemas/NAME. A schema with a
// title is written once, as the component of that name.
Json openapi_json(const std::vector<Route>& routes, const Json& schemas = Json::object());

}  // namespace melete
