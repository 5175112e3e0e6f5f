// JSON schemas of the bodies, for openapi.json.
#pragma once

#include "base/json.h"

namespace melete {

Json chat_request_schema();
Json chat_completion_schema();
Json model_schema();
Json models_schema();

}  // namespace melete
