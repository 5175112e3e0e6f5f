// Conversations as trees: every message has a parent, an edited message is a sibling of the old one, and the
// active leaf says which branch is shown.
//
// Invariants: a parent is a message of the same conversation and older than its children; the active leaf has
// no children, and is empty only without messages. Times are milliseconds since 1970. What belongs to another
// owner is not_found. Errors of every function besides those named: those of Database.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "server/store/clock.h"
#include "server/store/owned.h"

namespace melete {

struct ConversationLimits {
  size_t max_title_bytes = 500;
  size_t max_message_bytes = size_t{4} << 20;  // content and meta as JSON
  int64_t max_messages = 20'000;               // a conversation
};

struct ConversationInfo {
  std::string id, title;
  bool pinned = false;
  std::string active_leaf;  // a message's id; empty without messages
  int64_t num_messages = 0;
  int64_t created_ms = 0, updated_ms = 0;
};

struct NewMessage {
  std::string parent;          // empty: a root
  std::string role;            // "system", "user", "assistant" or "tool"
  Json content;                // a string, or an array of parts {"type", ...}; searched: "text" of parts
  Json meta = Json::object();  // model, mode, usage, answer's id ...: whatever the API wants to keep
  std::vector<std::string> files = {};  // ids in Files that this message refers to
};

struct StoredMessage {
  std::string id, parent, role;
  Json content, meta;
  std::vector<std::string> files;
  int64_t created_ms = 0;
};

// A place in the list of conversations; the next page begins after it.
struct ListPosition {
  bool pinned = false;
  int64_t updated_ms = 0, row = 0;
};

struct ConversationPage {
  std::vector<ConversationInfo> conversations;  // pinned first, then the newest first
  std::optional<ListPosition> next;             // none: this was the last page
};

// A piece of text that did or didn't match, so that a page can mark it without parsing anything.
struct SnippetPiece {
  std::string text;
  bool match = false;
};

struct SearchHit {
  std::string conversation, title;
  std::string message;                // empty: the title matched
  std::vector<SnippetPiece> snippet;  // about 20 words around the first match
  int64_t created_ms = 0;
};

// An answer with a fenced block of a page, a drawing, a script or a template's data.
struct AnswerWithPage {
  std::string conversation, title, message;
  Json content;
  int64_t created_ms = 0, row = 0;
};

class Conversations {
 public:
  Conversations(Database& database, OwnerId owner, Clock clock = system_time_ms,
                ConversationLimits limits = {});

  // An empty `id` is replaced by a new one. Errors: invalid_argument (the title is too long or no UTF-8, or
  // the id is taken).
  Result<ConversationInfo> create(const std::string& title, const std::string& id = "");
  Result<ConversationInfo> get(const std::string& id) const;
  Result<ConversationPage> list(int64_t limit, const std::optional<ListPosition>& after = {}) const;
  Status rename(const std::string& id, const std::string& title);
  Status pin(const std::string& id, bool pinned);
  // With its messages, answers' logs and the files that nothing else refers to. Store::erase_garbage()
  // overwrites and unlinks what is left of them on the disk.
  Status remove(const std::string& id);

  // Adds a message below message.parent and makes it the active leaf. Errors: not_found (conversation, parent
  // or file), invalid_argument (role, content or size).
  Result<StoredMessage> add(const std::string& conversation, const NewMessage& message);
  // A sibling of `message` with the same role and other content.
  Result<StoredMessage> edit(const std::string& conversation, const std::string& message, const Json& content,
                             const std::vector<std::string>& files = {});
  // Replaces what a message says, in place: an answer that has ended.
  Status replace(const std::string& conversation, const std::string& message, const Json& content,
                 const Json& meta);
  Result<StoredMessage> message(const std::string& conversation, const std::string& message) const;
  // All messages, parents before children and siblings in the order in which they were made.
  Result<std::vector<StoredMessage>> tree(const std::string& conversation) const;
  // From the root to `leaf`, or to the active leaf if that is empty.
  Result<std::vector<StoredMessage>> path(const std::string& conversation,
                                          const std::string& leaf = "") const;
  // Shows the branch of `message`: its newest leaf becomes the active one, whose id is returned.
  Result<std::string> select(const std::string& conversation, const std::string& message);
  // Removes a message with all below it; the active leaf moves to the newest leaf below its parent if it was
  // among them.
  Status remove_message(const std::string& conversation, const std::string& message);
  // A new conversation with a copy of the path to `message`.
  Result<ConversationInfo> fork(const std::string& conversation, const std::string& message);

  // Puts back a conversation from an export with its ids and times; what is there already stays as it is,
  // title included. Parents come before children. Errors: as add, and not_found (the active leaf isn't among
  // its messages).
  Status restore(const ConversationInfo& info, const std::vector<StoredMessage>& messages);

  // Whether add() and restore() would take it, as far as it alone can tell. Errors: invalid_argument,
  // exhausted.
  Status check(const StoredMessage& message) const;

  // Titles first, then messages, the best matches first. Every word must occur, the last one may be a
  // beginning. No text is a wrong query; one without letters or digits finds nothing.
  Result<std::vector<SearchHit>> search(const std::string& text, int64_t limit = 20) const;

  // Those before row `before`, the newest first: `limit` of them, or fewer if their texts grow large.
  Result<std::vector<AnswerWithPage>> answers_with_pages(int64_t limit, int64_t before = INT64_MAX) const;

 private:
  Status check_room(const std::string& conversation, size_t num_new) const;
  Status insert(const std::string& conversation, const StoredMessage& message);
  Status activate(const std::string& conversation, const std::string& leaf, int64_t now);
  Result<std::string> newest_leaf(const std::string& conversation, const std::string& below) const;
  Status check_title(const std::string& title) const;
  Status require(const std::string& id, const Result<int64_t>& changed) const;

  Owned owned_;
  Clock clock_;
  ConversationLimits limits_;
};

}  // namespace melete
