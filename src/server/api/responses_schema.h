// JSON schemas of the Responses surface, for openapi.json.
#pragma once

#include "base/json.h"

namespace melete {

Json responses_request_schema();
Json response_schema();
Json response_query_schema();
Json deleted_response_schema();
Json input_tokens_schema();
Json item_list_schema();
Json item_list_query_schema();

}  // namespace melete
