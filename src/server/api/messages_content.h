// Messages of Anthropic's form: blocks of text, media, calls and results. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/api/content.h"
#include "server/api/wire_reader.h"

namespace melete {

// The messages of an array, a user's message with results as one message a result before the rest of it.
std::vector<WireMessage> read_messages(const Json& messages, std::optional<ApiError>& problem);

// The field "system": a string or blocks of text. Nothing if it is absent.
std::optional<WireMessage> read_system(WireReader& body, std::optional<ApiError>& problem);

}  // namespace melete
