// What full-text search sees of a message, and what a user's words become in FTS5's query language.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "server/store/conversations.h"

namespace melete {

// The text of a message's content: the string itself, or the "text" of its parts, one a line. Control
// characters become spaces, so that none of them can be taken for a mark of a match.
std::string searchable_text(const Json& content);

// An FTS5 query in which every word of `text` is a quoted string and the last one a prefix; empty if `text`
// has no word. At most 32 words count.
std::string search_query(std::string_view text);

// The bytes that snippet() puts around a match.
constexpr const char* kMatchBegin = "\x01";
constexpr const char* kMatchEnd = "\x02";

std::vector<SnippetPiece> snippet_pieces(std::string_view snippet);

}  // namespace melete
