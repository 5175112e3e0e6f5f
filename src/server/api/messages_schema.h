// JSON schemas of Anthropic's messages, for openapi.json.
#pragma once

#include "base/json.h"

namespace melete {

Json messages_request_schema();
Json message_schema();
Json count_request_schema();
Json count_schema();

}  // namespace melete
