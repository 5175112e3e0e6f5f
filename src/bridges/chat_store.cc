#include "bridges/chat_store.h"

#include "base/base64.h"
#include "server/api/content.h"
#include "server/store/migrations.h"

namespace melete {
namespace {

constexpr int64_t kSchemaVersion = 1;

// Files are base64 in a JSON array; file_bytes and num_files say how much that is.
const char* const kSchema = R"sql(
CREATE TABLE accounts(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  since TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE events(
  id INTEGER PRIMARY KEY,
  account INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
  event TEXT NOT NULL,
  UNIQUE(account, event)) STRICT;
CREATE TABLE refusals(
  account INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
  sender TEXT NOT NULL,
  PRIMARY KEY(account, sender)) STRICT, WITHOUT ROWID;
CREATE TABLE inbox(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
  message TEXT NOT NULL,
  reply TEXT,
  shown TEXT NOT NULL DEFAULT '[]',
  tries INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE chats(
  account INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
  chat TEXT NOT NULL,
  mode TEXT NOT NULL,
  PRIMARY KEY(account, chat)) STRICT, WITHOUT ROWID;
CREATE TABLE turns(
  id INTEGER PRIMARY KEY,
  account INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
  chat TEXT NOT NULL,
  is_user INTEGER NOT NULL,
  text TEXT NOT NULL,
  files TEXT NOT NULL,
  num_files INTEGER NOT NULL,
  file_bytes INTEGER NOT NULL) STRICT;
CREATE INDEX turns_of_chat ON turns(account, chat, id);
PRAGMA user_version = 1;
)sql";

InboxItem item_of(const Statement& row) {
  InboxItem item;
  item.id = row.integer(0);
  if (auto message = parse_json(row.text(1), "inbox"); message.ok()) item.message = incoming_from(*message);
  if (!row.is_null(2)) item.reply = row.text(2);
  if (const auto shown = parse_json(row.text(3), "inbox"); shown.ok() && shown->is_array())
    for (const Json& id : *shown)
      if (id.is_string()) item.shown.push_back(id.get<std::string>());
  item.tries = row.integer(4);
  return item;
}

std::string files_text(const std::vector<std::string>& files) {
  Json json = Json::array();
  for (const std::string& file : files) json.push_back(encode_base64(file));
  return json_text(json);
}

std::vector<std::string> files_of(const std::string& text) {
  std::vector<std::string> files;
  const auto json = parse_json(text, "turn");
  if (!json.ok() || !json->is_array()) return files;
  for (const Json& file : *json)
    if (auto bytes = decode_base64(file.is_string() ? file.get<std::string>() : ""))
      files.push_back(*std::move(bytes));
  return files;
}

int64_t bytes_of(const std::vector<std::string>& files) {
  int64_t bytes = 0;
  for (const std::string& file : files) bytes += static_cast<int64_t>(file.size());
  return bytes;
}

}  // namespace

Result<std::unique_ptr<Database>> open_chat_database(const std::filesystem::path& file) {
  MELETE_ASSIGN_OR_RETURN(auto database, Database::open(file));
  MELETE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(*database, "opening"));
  MELETE_ASSIGN_OR_RETURN(const int64_t version, schema_version(*database));
  if (version > kSchemaVersion)
    return invalid_argument("[", file.string(), "] must be of version ", kSchemaVersion, " at most, got ",
                            version, "; use the newer melete that made it");
  if (version == 0) MELETE_RETURN_IF_ERROR(database->execute("making tables", kSchema));
  MELETE_RETURN_IF_ERROR(transaction.commit());
  return database;
}

Result<std::unique_ptr<ChatStore>> ChatStore::open(Database& database, const std::string& account,
                                                   ChatLimits limits) {
  MELETE_RETURN_IF_ERROR(
      database.run("adding an account", "INSERT OR IGNORE INTO accounts(name) VALUES (?1)", account));
  MELETE_ASSIGN_OR_RETURN(
      Statement row,
      database.prepare("reading an account", "SELECT id FROM accounts WHERE name = ?1", account));
  MELETE_RETURN_IF_ERROR(row.step());
  return std::unique_ptr<ChatStore>(new ChatStore(database, row.integer(0), limits));
}

Result<std::string> ChatStore::since() {
  MELETE_ASSIGN_OR_RETURN(
      Statement row,
      database_.prepare("reading an account", "SELECT since FROM accounts WHERE id = ?1", account_));
  MELETE_RETURN_IF_ERROR(row.step());
  return row.text(0);
}

// Notes the event.
Result<bool> ChatStore::is_new(const Incoming& message) {
  MELETE_ASSIGN_OR_RETURN(
      const int64_t added,
      database_.run("taking a message", "INSERT OR IGNORE INTO events(account, event) VALUES (?1, ?2)",
                    account_, message.event));
  return added > 0;
}

Result<bool> ChatStore::is_first_refusal(const std::string& sender) {
  MELETE_ASSIGN_OR_RETURN(const int64_t added,
                          database_.run("noting a refusal",
                                        "INSERT OR IGNORE INTO refusals(account, sender) SELECT ?1, ?2 "
                                        "WHERE (SELECT count(*) FROM refusals WHERE account = ?1) < ?3",
                                        account_, sender, limits_.max_refusals));
  return added > 0;
}

Result<std::vector<InboxItem>> ChatStore::take(const Received& received,
                                               const std::function<Judgement(const Incoming&)>& judge) {
  MELETE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(database_, "taking messages"));
  std::vector<InboxItem> taken;
  for (const Incoming& message : received.messages) {
    Judgement judgement = judge(message);
    if (judgement.verdict == Verdict::ignore) continue;
    MELETE_ASSIGN_OR_RETURN(bool is_wanted, is_new(message));
    InboxItem item;
    item.message = message;
    if (is_wanted && judgement.verdict == Verdict::refuse) {
      MELETE_ASSIGN_OR_RETURN(is_wanted, is_first_refusal(message.sender));
      item.reply = std::move(judgement.reply);
    }
    if (!is_wanted) continue;
    MELETE_ASSIGN_OR_RETURN(
        Statement row,
        database_.prepare(
            "taking a message",
            "INSERT INTO inbox(account, message, reply) VALUES (?1, ?2, nullif(?3, '')) RETURNING id",
            account_, json_text(to_json(message)), item.reply.value_or("")));
    MELETE_RETURN_IF_ERROR(row.step());
    item.id = row.integer(0);
    taken.push_back(std::move(item));
  }
  MELETE_RETURN_IF_ERROR(database_.run("taking messages",
                                       "DELETE FROM events WHERE account = ?1 AND id <= "
                                       "(SELECT max(id) FROM events WHERE account = ?1) - ?2",
                                       account_, limits_.max_events));
  MELETE_RETURN_IF_ERROR(database_.run("taking messages", "UPDATE accounts SET since = ?2 WHERE id = ?1",
                                       account_, received.next));
  MELETE_RETURN_IF_ERROR(transaction.commit());
  return taken;
}

Result<std::vector<InboxItem>> ChatStore::inbox() {
  MELETE_ASSIGN_OR_RETURN(
      Statement row,
      database_.prepare("reading the inbox",
                        "SELECT id, message, reply, shown, tries FROM inbox WHERE account = ?1 ORDER BY id",
                        account_));
  std::vector<InboxItem> items;
  while (true) {
    MELETE_ASSIGN_OR_RETURN(const bool found, row.step());
    if (!found) return items;
    items.push_back(item_of(row));
  }
}

Status ChatStore::count_try(const InboxItem& item, int64_t tries) {
  MELETE_RETURN_IF_ERROR(
      database_.run("counting a try", "UPDATE inbox SET tries = ?2 WHERE id = ?1", item.id, tries));
  return ok_status();
}

Status ChatStore::keep_shown(const InboxItem& item) {
  MELETE_RETURN_IF_ERROR(database_.run("noting what was sent", "UPDATE inbox SET shown = ?2 WHERE id = ?1",
                                       item.id, json_text(Json(item.shown))));
  return ok_status();
}

Status ChatStore::keep_reply(const InboxItem& item, const std::vector<ChatTurn>& turns) {
  MELETE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(database_, "keeping a reply"));
  MELETE_RETURN_IF_ERROR(database_.run("keeping a reply", "UPDATE inbox SET reply = ?2 WHERE id = ?1",
                                       item.id, item.reply.value_or("")));
  for (const ChatTurn& turn : turns) MELETE_RETURN_IF_ERROR(add_turn(item.message.chat, turn));
  if (!turns.empty()) MELETE_RETURN_IF_ERROR(shorten(item.message.chat));
  return transaction.commit();
}

Status ChatStore::add_turn(const std::string& chat, const ChatTurn& turn) {
  MELETE_RETURN_IF_ERROR(
      database_.run("keeping a conversation",
                    "INSERT INTO turns(account, chat, is_user, text, files, num_files, file_bytes) "
                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    account_, chat, turn.is_user, turn.text, files_text(turn.files),
                    static_cast<int64_t>(turn.files.size()), bytes_of(turn.files)));
  return ok_status();
}

// Turns go from the oldest on; files go where newer turns have enough of them.
Status ChatStore::shorten(const std::string& chat) {
  MELETE_RETURN_IF_ERROR(
      database_.run("shortening a conversation",
                    "DELETE FROM turns WHERE account = ?1 AND chat = ?2 AND id NOT IN (SELECT id FROM turns "
                    "WHERE account = ?1 AND chat = ?2 ORDER BY id DESC LIMIT ?3)",
                    account_, chat, limits_.max_turns));
  MELETE_RETURN_IF_ERROR(database_.run(
      "shortening a conversation",
      "UPDATE turns SET files = '[]', num_files = 0, file_bytes = 0 WHERE account = ?1 AND chat = ?2 AND "
      "num_files > 0 AND ((SELECT sum(newer.num_files) FROM turns newer WHERE newer.account = ?1 AND "
      "newer.chat = ?2 AND newer.id >= turns.id) > ?3 OR (SELECT sum(newer.file_bytes) FROM turns newer "
      "WHERE newer.account = ?1 AND newer.chat = ?2 AND newer.id >= turns.id) > ?4)",
      account_, chat, limits_.max_files, limits_.max_file_bytes));
  return ok_status();
}

Status ChatStore::remove(const InboxItem& item) {
  MELETE_RETURN_IF_ERROR(database_.run("emptying the inbox", "DELETE FROM inbox WHERE id = ?1", item.id));
  return ok_status();
}

Result<std::vector<ChatTurn>> ChatStore::conversation(const std::string& chat) {
  MELETE_ASSIGN_OR_RETURN(
      Statement row,
      database_.prepare("reading a conversation",
                        "SELECT is_user, text, files FROM turns WHERE account = ?1 AND chat = ?2 ORDER BY id",
                        account_, chat));
  std::vector<ChatTurn> turns;
  while (true) {
    MELETE_ASSIGN_OR_RETURN(const bool found, row.step());
    if (!found) return turns;
    turns.push_back({row.integer(0) != 0, row.text(1), files_of(row.text(2))});
  }
}

Status ChatStore::forget(const std::string& chat) {
  MELETE_RETURN_IF_ERROR(database_.run("forgetting a conversation",
                                       "DELETE FROM turns WHERE account = ?1 AND chat = ?2", account_, chat));
  return database_.execute("erasing a conversation", "PRAGMA wal_checkpoint(TRUNCATE)");
}

Result<std::string> ChatStore::mode(const std::string& chat) {
  MELETE_ASSIGN_OR_RETURN(
      Statement row,
      database_.prepare("reading a chat", "SELECT mode FROM chats WHERE account = ?1 AND chat = ?2", account_,
                        chat));
  MELETE_ASSIGN_OR_RETURN(const bool found, row.step());
  return found ? row.text(0) : std::string();
}

Status ChatStore::set_mode(const std::string& chat, const std::string& mode) {
  MELETE_RETURN_IF_ERROR(database_.run("keeping a mode",
                                       "INSERT INTO chats(account, chat, mode) VALUES (?1, ?2, ?3) "
                                       "ON CONFLICT DO UPDATE SET mode = ?3",
                                       account_, chat, mode));
  return ok_status();
}

}  // namespace melete
