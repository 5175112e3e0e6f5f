#include "server/store/conversations.h"

#include <algorithm>
#include <array>

#include "server/store/rows.h"
#include "server/store/search_text.h"
#include "server/store/secret.h"
#include "text/utf8.h"

namespace melete {
namespace {

constexpr const char* kInfo =
    "SELECT id, title, pinned, active, created_ms, updated_ms, row, (SELECT count(*) FROM messages m WHERE "
    "m.owner = c.owner AND m.conversation = c.id) FROM conversations c WHERE owner = ?1";
constexpr const char* kMessageRow =
    "SELECT m.id, m.parent, m.role, m.content, m.meta, m.created_ms, (SELECT group_concat(file) FROM "
    "message_files f WHERE f.owner = m.owner AND f.conversation = m.conversation AND f.message = m.id)";
// The message ?3 of conversation ?2 with all below it.
constexpr const char* kBelow =
    "WITH RECURSIVE below(id, row) AS (SELECT id, row FROM messages WHERE owner = ?1 AND conversation = ?2 "
    "AND "
    "id = ?3 UNION ALL SELECT m.id, m.row FROM messages m JOIN below ON m.parent = below.id WHERE m.owner = "
    "?1 "
    "AND m.conversation = ?2) ";

ConversationInfo info_of(const Statement& row) {
  return {row.text(0),    row.text(1),    row.integer(2) != 0, row.text(3),
          row.integer(7), row.integer(4), row.integer(5)};
}

std::vector<std::string> split_ids(const std::string& joined) {
  std::vector<std::string> ids;
  for (size_t begin = 0; begin < joined.size();) {
    const size_t end = std::min(joined.find(',', begin), joined.size());
    ids.push_back(joined.substr(begin, end - begin));
    begin = end + 1;
  }
  return ids;
}

Result<StoredMessage> message_of(const Statement& row) {
  MELETE_ASSIGN_OR_RETURN(Json content, parse_json(row.text(3), "message " + row.text(0)));
  MELETE_ASSIGN_OR_RETURN(Json meta, parse_json(row.text(4), "message " + row.text(0)));
  return StoredMessage{row.text(0),        row.text(1),     row.text(2),
                       std::move(content), std::move(meta), split_ids(row.text(6)),
                       row.integer(5)};
}

Error no_conversation(const std::string& id) {
  return not_found("[conversations] the conversation must exist, got \"", valid_utf8(id.substr(0, 64)),
                   "\"; list them to see which do");
}

Error no_message(const std::string& id) {
  return not_found("[conversations] the message must be in the conversation, got \"",
                   valid_utf8(id.substr(0, 64)), "\"; read the conversation to see which are");
}

bool is_content(const Json& content) {
  if (content.is_string()) return true;
  return content.is_array() && std::all_of(content.begin(), content.end(), [](const Json& part) {
           return part.is_object() && part.contains("type") && part["type"].is_string();
         });
}

}  // namespace

Conversations::Conversations(Database& database, OwnerId owner, Clock clock, ConversationLimits limits)
    : owned_(database, owner), clock_(std::move(clock)), limits_(limits) {}

Status Conversations::check_title(const std::string& title) const {
  if (title.size() <= limits_.max_title_bytes && valid_utf8(title) == title) return ok_status();
  return invalid_argument("[conversations] a title must be UTF-8 of at most ", limits_.max_title_bytes,
                          " bytes, got ", title.size(), "; shorten it");
}

// Not found if a statement that names one conversation has changed nothing.
Status Conversations::require(const std::string& id, const Result<int64_t>& changed) const {
  if (!changed.ok()) return changed.error();
  return *changed == 0 ? Status(no_conversation(id)) : ok_status();
}

Result<ConversationInfo> Conversations::create(const std::string& title, const std::string& id) {
  MELETE_RETURN_IF_ERROR(check_title(title));
  if (!id.empty() && !is_id(id))
    return invalid_argument("[conversations] an id must be 1 to 64 letters, digits, '_' and '-', got \"",
                            valid_utf8(id.substr(0, 80)), "\"; leave it out to get one");
  const std::string own = id.empty() ? new_id("conv") : id;
  const int64_t now = clock_();
  MELETE_RETURN_IF_ERROR(owned_.run("making a conversation",
                                    "INSERT INTO conversations(owner, id, title, created_ms, updated_ms) "
                                    "VALUES (?1, ?2, ?3, ?4, ?4)",
                                    own, title, now));
  return ConversationInfo{own, title, false, "", 0, now, now};
}

Result<ConversationInfo> Conversations::get(const std::string& id) const {
  MELETE_ASSIGN_OR_RETURN(Statement find,
                          owned_.prepare("reading a conversation", cat(kInfo, " AND id = ?2"), id));
  MELETE_ASSIGN_OR_RETURN(const bool found, find.step());
  if (!found) return no_conversation(id);
  return info_of(find);
}

Result<ConversationPage> Conversations::list(int64_t limit, const std::optional<ListPosition>& after) const {
  const ListPosition from = after.value_or(ListPosition{true, INT64_MAX, INT64_MAX});
  limit = std::clamp<int64_t>(limit, 1, 1000);
  MELETE_ASSIGN_OR_RETURN(
      Statement rows,
      owned_.prepare("listing conversations",
                     cat(kInfo,
                         " AND (pinned, updated_ms, row) < (?2, ?3, ?4) ORDER BY pinned DESC, "
                         "updated_ms DESC, row DESC LIMIT ?5"),
                     from.pinned, from.updated_ms, from.row, limit + 1));
  ConversationPage page;
  ListPosition last;
  while (true) {
    MELETE_ASSIGN_OR_RETURN(const bool row, rows.step());
    if (!row) return page;
    if (static_cast<int64_t>(page.conversations.size()) == limit) {
      page.next = last;
      return page;
    }
    page.conversations.push_back(info_of(rows));
    last = {rows.integer(2) != 0, rows.integer(5), rows.integer(6)};
  }
}

Status Conversations::rename(const std::string& id, const std::string& title) {
  MELETE_RETURN_IF_ERROR(check_title(title));
  return require(id,
                 owned_.run("naming a conversation",
                            "UPDATE conversations SET title = ?3 WHERE owner = ?1 AND id = ?2", id, title));
}

Status Conversations::pin(const std::string& id, bool pinned) {
  return require(id,
                 owned_.run("pinning a conversation",
                            "UPDATE conversations SET pinned = ?3 WHERE owner = ?1 AND id = ?2", id, pinned));
}

Status Conversations::remove(const std::string& id) {
  return require(id, owned_.run("deleting a conversation",
                                "DELETE FROM conversations WHERE owner = ?1 AND id = ?2", id));
}

Status Conversations::check(const StoredMessage& message) const {
  constexpr std::array kRoles = {"system", "user", "assistant", "tool"};
  if (std::find(kRoles.begin(), kRoles.end(), message.role) == kRoles.end())
    return invalid_argument("[conversations] a role must be system, user, assistant or tool, got \"",
                            valid_utf8(message.role.substr(0, 40)), "\"; give one of them");
  if (!is_content(message.content))
    return invalid_argument("[conversations] content must be a string or an array of parts with a type, got ",
                            json_text(message.content).substr(0, 80), "; give one of them");
  if (!message.meta.is_object())
    return invalid_argument("[conversations] meta must be an object, got ", message.meta.type_name(),
                            "; give one");
  const std::string content = json_text(message.content), meta = json_text(message.meta);
  if (content.size() + meta.size() > limits_.max_message_bytes)
    return exhausted("[conversations] a message must take at most ", limits_.max_message_bytes,
                     " bytes, got ", content.size() + meta.size(), "; keep large parts as files");
  // What is nested too deep couldn't be read back.
  for (const auto& [where, json] : {std::pair("content", content), {"meta", meta}})
    if (const auto readable = parse_json(json, where); !readable.ok())
      return Error{ErrorKind::invalid_argument, readable.error().message};
  return ok_status();
}

Status Conversations::check_room(const std::string& conversation, size_t num_new) const {
  MELETE_ASSIGN_OR_RETURN(const ConversationInfo info, get(conversation));
  if (info.num_messages + static_cast<int64_t>(num_new) <= limits_.max_messages) return ok_status();
  return exhausted("[conversations] a conversation must have at most ", limits_.max_messages,
                   " messages, got ", info.num_messages, " and ", num_new, " more; begin another");
}

// Of a message that check() found in order, inside a transaction.
Status Conversations::insert(const std::string& conversation, const StoredMessage& message) {
  if (!message.parent.empty()) MELETE_RETURN_IF_ERROR(this->message(conversation, message.parent));
  MELETE_RETURN_IF_ERROR(owned_.run(
      "adding a message",
      "INSERT INTO messages(owner, conversation, id, parent, role, content, meta, text, created_ms) "
      "VALUES (?1, ?2, ?3, nullif(?4, ''), ?5, ?6, ?7, ?8, ?9)",
      conversation, message.id, message.parent, message.role, json_text(message.content),
      json_text(message.meta), searchable_text(message.content), message.created_ms));
  for (const std::string& file : message.files) {
    MELETE_ASSIGN_OR_RETURN(
        Statement find,
        owned_.prepare("finding a file", "SELECT 1 FROM files WHERE owner = ?1 AND id = ?2", file));
    MELETE_ASSIGN_OR_RETURN(const bool found, find.step());
    if (!found)
      return not_found("[conversations] a message's files must exist, got \"", valid_utf8(file.substr(0, 80)),
                       "\"; upload it first");
    MELETE_RETURN_IF_ERROR(
        owned_.run("adding a message",
                   "INSERT OR IGNORE INTO message_files(owner, conversation, message, file) "
                   "VALUES (?1, ?2, ?3, ?4)",
                   conversation, message.id, file));
  }
  return ok_status();
}

Status Conversations::activate(const std::string& conversation, const std::string& leaf, int64_t now) {
  return require(
      conversation,
      owned_.run("choosing a branch",
                 "UPDATE conversations SET active = nullif(?3, ''), updated_ms = max(updated_ms, ?4) "
                 "WHERE owner = ?1 AND id = ?2",
                 conversation, leaf, now));
}

Result<StoredMessage> Conversations::add(const std::string& conversation, const NewMessage& message) {
  StoredMessage stored{new_id("msg"), message.parent, message.role, message.content,
                       message.meta,  message.files,  clock_()};
  MELETE_RETURN_IF_ERROR(check(stored));
  MELETE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(owned_.database(), "adding a message"));
  MELETE_RETURN_IF_ERROR(check_room(conversation, 1));
  MELETE_RETURN_IF_ERROR(insert(conversation, stored));
  MELETE_RETURN_IF_ERROR(activate(conversation, stored.id, stored.created_ms));
  MELETE_RETURN_IF_ERROR(transaction.commit());
  return stored;
}

Result<StoredMessage> Conversations::edit(const std::string& conversation, const std::string& message,
                                          const Json& content, const std::vector<std::string>& files) {
  MELETE_ASSIGN_OR_RETURN(const StoredMessage old, this->message(conversation, message));
  return add(conversation, {old.parent, old.role, content, Json::object(), files});
}

Status Conversations::replace(const std::string& conversation, const std::string& message,
                              const Json& content, const Json& meta) {
  MELETE_RETURN_IF_ERROR(check({message, "", "assistant", content, meta, {}, 0}));
  MELETE_ASSIGN_OR_RETURN(Transaction transaction,
                          Transaction::begin(owned_.database(), "changing a message"));
  MELETE_ASSIGN_OR_RETURN(
      const int64_t changed,
      owned_.run("changing a message",
                 "UPDATE messages SET content = ?4, meta = ?5, text = ?6 WHERE owner = ?1 "
                 "AND conversation = ?2 AND id = ?3",
                 conversation, message, json_text(content), json_text(meta), searchable_text(content)));
  if (changed == 0) return no_message(message);
  MELETE_RETURN_IF_ERROR(
      require(conversation,
              owned_.run("changing a message",
                         "UPDATE conversations SET updated_ms = max(updated_ms, ?3) WHERE owner = ?1 AND "
                         "id = ?2",
                         conversation, clock_())));
  return transaction.commit();
}

Result<StoredMessage> Conversations::message(const std::string& conversation,
                                             const std::string& message) const {
  MELETE_ASSIGN_OR_RETURN(
      Statement find,
      owned_.prepare("reading a message",
                     cat(kMessageRow, " FROM messages m WHERE owner = ?1 AND conversation = ?2 AND id = ?3"),
                     conversation, message));
  MELETE_ASSIGN_OR_RETURN(const bool found, find.step());
  if (!found) return no_message(message);
  return message_of(find);
}

Result<std::vector<StoredMessage>> Conversations::tree(const std::string& conversation) const {
  MELETE_RETURN_IF_ERROR(get(conversation));
  MELETE_ASSIGN_OR_RETURN(
      Statement rows,
      owned_.prepare("reading a conversation",
                     cat(kMessageRow, " FROM messages m WHERE owner = ?1 AND conversation = ?2 ORDER BY row"),
                     conversation));
  return read_rows(rows, message_of);
}

Result<std::vector<StoredMessage>> Conversations::path(const std::string& conversation,
                                                       const std::string& leaf) const {
  MELETE_ASSIGN_OR_RETURN(const ConversationInfo info, get(conversation));
  const std::string& last = leaf.empty() ? info.active_leaf : leaf;
  if (last.empty()) return std::vector<StoredMessage>();
  MELETE_ASSIGN_OR_RETURN(
      Statement rows,
      owned_.prepare(
          "reading a conversation",
          cat("WITH RECURSIVE up(id, parent) AS (SELECT id, parent FROM messages WHERE owner = ?1 AND "
              "conversation = ?2 AND id = ?3 UNION ALL SELECT m.id, m.parent FROM messages m JOIN up ON m.id "
              "= "
              "up.parent WHERE m.owner = ?1 AND m.conversation = ?2) ",
              kMessageRow,
              " FROM up JOIN messages m ON m.owner = ?1 AND m.conversation = ?2 AND m.id = up.id ORDER BY "
              "row"),
          conversation, last));
  MELETE_ASSIGN_OR_RETURN(std::vector<StoredMessage> path, read_rows(rows, message_of));
  if (path.empty()) return no_message(last);
  return path;
}

// Children are younger than their parents, so the youngest message of a subtree is a leaf.
Result<std::string> Conversations::newest_leaf(const std::string& conversation,
                                               const std::string& below) const {
  MELETE_ASSIGN_OR_RETURN(
      Statement find,
      below.empty()
          ? owned_.prepare("finding a branch",
                           "SELECT id FROM messages WHERE owner = ?1 AND conversation = ?2 ORDER BY row DESC "
                           "LIMIT 1",
                           conversation)
          : owned_.prepare("finding a branch", cat(kBelow, "SELECT id FROM below ORDER BY row DESC LIMIT 1"),
                           conversation, below));
  MELETE_ASSIGN_OR_RETURN(const bool found, find.step());
  return found ? find.text(0) : std::string();
}

Result<std::string> Conversations::select(const std::string& conversation, const std::string& message) {
  MELETE_ASSIGN_OR_RETURN(Transaction transaction,
                          Transaction::begin(owned_.database(), "choosing a branch"));
  MELETE_RETURN_IF_ERROR(this->message(conversation, message));
  MELETE_ASSIGN_OR_RETURN(std::string leaf, newest_leaf(conversation, message));
  MELETE_RETURN_IF_ERROR(activate(conversation, leaf, 0));
  MELETE_RETURN_IF_ERROR(transaction.commit());
  return leaf;
}

Status Conversations::remove_message(const std::string& conversation, const std::string& message) {
  MELETE_ASSIGN_OR_RETURN(Transaction transaction,
                          Transaction::begin(owned_.database(), "deleting a message"));
  MELETE_ASSIGN_OR_RETURN(const StoredMessage top, this->message(conversation, message));
  MELETE_RETURN_IF_ERROR(owned_.run(
      "deleting a message's answers",
      cat(kBelow,
          "DELETE FROM answers WHERE owner = ?1 AND conversation = ?2 AND id IN (SELECT "
          "json_extract(meta, '$.answer') FROM messages WHERE owner = ?1 AND conversation = ?2 AND "
          "id IN (SELECT id FROM below))"),
      conversation, message));
  MELETE_RETURN_IF_ERROR(
      owned_.run("deleting a message",
                 cat(kBelow,
                     "DELETE FROM messages WHERE owner = ?1 AND conversation = ?2 AND id IN "
                     "(SELECT id FROM below)"),
                 conversation, message));
  MELETE_ASSIGN_OR_RETURN(const ConversationInfo info, get(conversation));
  if (!this->message(conversation, info.active_leaf).ok()) {
    MELETE_ASSIGN_OR_RETURN(const std::string leaf, newest_leaf(conversation, top.parent));
    MELETE_RETURN_IF_ERROR(activate(conversation, leaf, 0));
  }
  return transaction.commit();
}

Result<ConversationInfo> Conversations::fork(const std::string& conversation, const std::string& message) {
  MELETE_ASSIGN_OR_RETURN(Transaction transaction,
                          Transaction::begin(owned_.database(), "copying a conversation"));
  MELETE_ASSIGN_OR_RETURN(const ConversationInfo from, get(conversation));
  MELETE_ASSIGN_OR_RETURN(std::vector<StoredMessage> messages, path(conversation, message));
  MELETE_ASSIGN_OR_RETURN(const ConversationInfo copy, create(from.title));
  std::string parent;
  for (StoredMessage& each : messages) {
    each.parent = parent;
    each.id = parent = new_id("msg");
    MELETE_RETURN_IF_ERROR(insert(copy.id, each));
  }
  MELETE_RETURN_IF_ERROR(activate(copy.id, parent, clock_()));
  MELETE_ASSIGN_OR_RETURN(ConversationInfo info, get(copy.id));
  MELETE_RETURN_IF_ERROR(transaction.commit());
  return info;
}

}  // namespace melete
