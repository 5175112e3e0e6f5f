// /api/conversations and /api/search: the caller's conversations as trees; see store/conversations.h.
#pragma once

#include "server/api/app_route.h"
#include "server/http/router.h"

namespace melete {

void add_conversation_routes(Router& router, const AppServices& services);
void add_message_routes(Router& router, const AppServices& services);

Json conversation_json(const ConversationInfo& conversation);
Json message_json(const StoredMessage& message);

// What a message says, from the body's field "content": a string, or an array of {"type": "text", "text"} and
// {"type": "file", "file_id"}. `files` are those that it names.
struct MessageContent {
  Json content;
  std::vector<std::string> files;
};
MessageContent read_content(WireReader& body, std::optional<ApiError>& problem);

}  // namespace melete
