// Everything of one owner as one document, and back.
//
// JSON: {"format": "melete export", "version": 1, "account", "settings", "files" (bytes as base64),
// "conversations" (with all branches), "responses", "answers" (their event logs)}. HTML: one page without
// scripts that needs nothing else; what people or models wrote is escaped, and its policy forbids to load or
// to run anything.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "server/store/store.h"

namespace melete {

// Takes the document piece by piece; what it fails with ends the export.
using TextSink = std::function<Status(std::string_view)>;

// `account` is what the caller wants to add about the owner; import ignores it.
Status export_json(Store& store, OwnerId owner, const Json& account, const TextSink& out);
Status export_html(Store& store, OwnerId owner, const std::string& name, const TextSink& out);

// Calls `body` for every conversation in the order of the list; the first error ends it.
Status for_each_conversation(const Conversations& all,
                             const std::function<Status(const ConversationInfo&)>& body);

struct ImportCounts {
  int64_t files = 0, conversations = 0, responses = 0, answers = 0;  // in the document
};

// All of a document of export_json or nothing. What is there already stays as it is, so importing twice
// changes nothing. `where` names the document. Errors: invalid_argument and corrupt with the path of what is
// wrong
// ("conversations[3].messages[0].role"), exhausted (a limit).
Result<ImportCounts> import_json(Store& store, OwnerId owner, std::string_view text, std::string_view where);

}  // namespace melete
