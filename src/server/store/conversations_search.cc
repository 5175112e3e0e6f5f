// Conversations: search and putting back from an export.
#include <algorithm>

#include "server/store/conversations.h"
#include "server/store/rows.h"
#include "server/store/search_text.h"
#include "server/store/secret.h"

namespace melete {
namespace {

constexpr int64_t kMaxHits = 200;
constexpr size_t kMostPageBytes = size_t{8} << 20;

SearchHit hit_of(const Statement& row) {
  return {row.text(0), row.text(1), row.text(2), snippet_pieces(row.text(3)), row.integer(4)};
}

}  // namespace

Result<std::vector<SearchHit>> Conversations::search(const std::string& text, int64_t limit) const {
  const std::string query = search_query(text);
  if (query.empty()) return std::vector<SearchHit>();
  limit = std::clamp<int64_t>(limit, 1, kMaxHits);
  MELETE_ASSIGN_OR_RETURN(
      Statement titles,
      owned_.prepare(
          "searching titles",
          "SELECT c.id, c.title, '', snippet(title_search, 0, ?3, ?4, '…', 20), c.created_ms FROM "
          "title_search JOIN conversations c ON c.row = title_search.rowid WHERE title_search MATCH "
          "?2 AND c.owner = ?1 ORDER BY rank LIMIT ?5",
          query, kMatchBegin, kMatchEnd, limit));
  MELETE_ASSIGN_OR_RETURN(std::vector<SearchHit> hits, read_rows(titles, hit_of));
  MELETE_ASSIGN_OR_RETURN(
      Statement messages,
      owned_.prepare(
          "searching messages",
          "SELECT c.id, c.title, m.id, snippet(message_search, 0, ?3, ?4, '…', 20), m.created_ms FROM "
          "message_search JOIN messages m ON m.row = message_search.rowid JOIN conversations c ON "
          "c.owner = m.owner AND c.id = m.conversation WHERE message_search MATCH ?2 AND m.owner = ?1 "
          "ORDER BY rank LIMIT ?5",
          query, kMatchBegin, kMatchEnd, limit));
  MELETE_ASSIGN_OR_RETURN(const std::vector<SearchHit> more, read_rows(messages, hit_of));
  hits.insert(hits.end(), more.begin(), more.end());
  if (static_cast<int64_t>(hits.size()) > limit) hits.resize(static_cast<size_t>(limit));
  return hits;
}

Result<std::vector<AnswerWithPage>> Conversations::answers_with_pages(int64_t limit, int64_t before) const {
  std::string fences;
  for (const char* fence : {"```", "~~~"})
    for (const char* kind : {"html", "svg", "xml", "js", "javascript", "artifact"})
      fences += cat(fences.empty() ? "" : " OR ", "m.text LIKE '%", fence, kind, "%'");
  MELETE_ASSIGN_OR_RETURN(
      Statement rows,
      owned_.prepare(
          "looking for artifacts",
          "SELECT c.id, c.title, m.id, m.content, m.created_ms, m.row FROM messages m JOIN conversations c "
          "ON c.owner = m.owner AND c.id = m.conversation WHERE m.owner = ?1 AND m.role = 'assistant' "
          "AND m.row < ?2 AND (" +
              fences + ") ORDER BY m.row DESC LIMIT ?3",
          before, std::clamp<int64_t>(limit, 1, kMaxHits)));
  std::vector<AnswerWithPage> answers;
  for (size_t bytes = 0; bytes < kMostPageBytes;) {
    MELETE_ASSIGN_OR_RETURN(const bool found, rows.step());
    if (!found) break;
    const std::string text = rows.text(3);
    MELETE_ASSIGN_OR_RETURN(Json content, parse_json(text, "message " + rows.text(2)));
    answers.push_back(
        {rows.text(0), rows.text(1), rows.text(2), std::move(content), rows.integer(4), rows.integer(5)});
    bytes += text.size();
  }
  return answers;
}

Status Conversations::restore(const ConversationInfo& info, const std::vector<StoredMessage>& messages) {
  MELETE_ASSIGN_OR_RETURN(Transaction transaction,
                          Transaction::begin(owned_.database(), "putting back a conversation"));
  const auto there = get(info.id);
  if (!there.ok()) {
    if (there.error().kind != ErrorKind::not_found) return there.error();
    MELETE_RETURN_IF_ERROR(create(info.title, info.id));
    MELETE_RETURN_IF_ERROR(
        owned_.run("putting back a conversation",
                   "UPDATE conversations SET pinned = ?3, created_ms = ?4, updated_ms = ?5 "
                   "WHERE owner = ?1 AND id = ?2",
                   info.id, info.pinned, info.created_ms, info.updated_ms));
  }
  for (const StoredMessage& each : messages) {
    if (!is_id(each.id))
      return invalid_argument(
          "[conversations] a message's id must be 1 to 64 letters, digits, '_' and '-', got ", each.id.size(),
          " other characters; export it again");
    MELETE_RETURN_IF_ERROR(check(each));
    if (message(info.id, each.id).ok()) continue;
    MELETE_RETURN_IF_ERROR(insert(info.id, each));
  }
  MELETE_RETURN_IF_ERROR(check_room(info.id, 0));
  // What was shown here before stays shown.
  const std::string shown = there.ok() && !there->active_leaf.empty() ? there->active_leaf : info.active_leaf;
  if (!shown.empty()) MELETE_RETURN_IF_ERROR(message(info.id, shown));
  MELETE_ASSIGN_OR_RETURN(const std::string leaf, newest_leaf(info.id, shown));
  MELETE_RETURN_IF_ERROR(activate(info.id, leaf, 0));
  return transaction.commit();
}

}  // namespace melete
