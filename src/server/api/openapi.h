// openapi.json, made from the table of routes. Pure.
#pragma once

#include <vector>

#include "base/json.h"
#include "server/http/router.h"

namespace melete {

// OpenAPI 3.1.
Json openapi_json(const std::vector<Route>& routes);

}  // namespace melete
