// What /v1/models says about a model. Pure.
#pragma once

#include <string>

#include "base/json.h"
#include "server/generation/model_list.h"

namespace melete {

// OpenAI's fields, and "capabilities": modes, what may be in a question, context, efforts. `id` as in
// ModelList::find().
Json model_json(const std::string& id, const ServedModel& model, int64_t created_s);

}  // namespace melete
