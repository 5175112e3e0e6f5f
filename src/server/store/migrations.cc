#include "server/store/migrations.h"

#include <fmt/format.h>

#include <string>

namespace melete {
namespace {

// 1: who may use the server. The local owner is there from the start and has no password until given one.
constexpr std::string_view kAccounts = R"sql(
CREATE TABLE users(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  role TEXT NOT NULL CHECK(role IN ('admin', 'user')),
  password TEXT,
  requests_per_day INTEGER,
  tokens_per_day INTEGER,
  created_ms INTEGER NOT NULL) STRICT;
INSERT INTO users(id, name, role, created_ms) VALUES (1, 'local', 'admin', unixepoch() * 1000);
CREATE TABLE sessions(
  hash TEXT PRIMARY KEY,
  owner INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  id TEXT NOT NULL UNIQUE,
  label TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_owner ON sessions(owner);
CREATE TABLE api_keys(
  id TEXT PRIMARY KEY,
  owner INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  hash TEXT NOT NULL,
  name TEXT NOT NULL,
  scopes TEXT NOT NULL,
  requests_per_day INTEGER,
  tokens_per_day INTEGER,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  revoked_ms INTEGER) STRICT, WITHOUT ROWID;
CREATE INDEX api_keys_by_owner ON api_keys(owner);
CREATE TABLE usage(
  owner INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  day INTEGER NOT NULL,
  key TEXT NOT NULL,
  requests INTEGER NOT NULL DEFAULT 0,
  tokens INTEGER NOT NULL DEFAULT 0,
  reserved INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(owner, day, key)) STRICT, WITHOUT ROWID;
CREATE TABLE invitations(
  id TEXT PRIMARY KEY,
  owner INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  hash TEXT NOT NULL UNIQUE,
  label TEXT NOT NULL,
  role TEXT NOT NULL CHECK(role IN ('admin', 'user')),
  uses_left INTEGER NOT NULL,
  requests_per_day INTEGER,
  tokens_per_day INTEGER,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  revoked_ms INTEGER) STRICT, WITHOUT ROWID;
)sql";

// 2: conversations as trees, and search in them. `text` is what search sees of a message.
constexpr std::string_view kConversationTables = R"sql(
CREATE TABLE conversations(
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  owner INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  title TEXT NOT NULL,
  pinned INTEGER NOT NULL DEFAULT 0,
  active TEXT,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  UNIQUE(owner, id)) STRICT;
CREATE INDEX conversations_by_time ON conversations(owner, pinned, updated_ms, row);
CREATE TABLE messages(
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  owner INTEGER NOT NULL,
  conversation TEXT NOT NULL,
  id TEXT NOT NULL,
  parent TEXT,
  role TEXT NOT NULL,
  content TEXT NOT NULL,
  meta TEXT NOT NULL,
  text TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  UNIQUE(owner, conversation, id),
  FOREIGN KEY(owner, conversation) REFERENCES conversations(owner, id) ON DELETE CASCADE,
  FOREIGN KEY(owner, conversation, parent) REFERENCES messages(owner, conversation, id)) STRICT;
CREATE INDEX messages_by_parent ON messages(owner, conversation, parent);
)sql";

// Full-text search in a column. {0}: the index, {1}: the column, {2}: its table, {3} and {4}: what the
// triggers that keep the index are called after.
constexpr const char* kSearchIn = R"sql(CREATE VIRTUAL TABLE {0} USING fts5(
  {1}, content = '{2}', content_rowid = 'row', tokenize = "unicode61 remove_diacritics 2");
CREATE TRIGGER {3}_added AFTER INSERT ON {2} BEGIN
  INSERT INTO {0}(rowid, {1}) VALUES (new.row, new.{1});
END;
CREATE TRIGGER {3}_removed AFTER DELETE ON {2} BEGIN
  INSERT INTO {0}({0}, rowid, {1}) VALUES ('delete', old.row, old.{1});
END;
CREATE TRIGGER {3}_{4} AFTER UPDATE OF {1} ON {2} BEGIN
  INSERT INTO {0}({0}, rowid, {1}) VALUES ('delete', old.row, old.{1});
  INSERT INTO {0}(rowid, {1}) VALUES (new.row, new.{1});
END;
)sql";

std::string conversations_step() {
  return std::string(kConversationTables) +
         fmt::format(kSearchIn, "message_search", "text", "messages", "message", "changed") +
         fmt::format(kSearchIn, "title_search", "title", "conversations", "conversation", "renamed");
}

// 3: files, answers' event logs and responses. `garbage` names what is to be erased from the disk after a
// deletion: a file's hash, a log's id, or 'database' for the freed pages. It has no foreign key, since it
// outlives its owner.
constexpr std::string_view kFilesAndAnswers = R"sql(
CREATE TABLE files(
  owner INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY(owner, id)) STRICT, WITHOUT ROWID;
CREATE TABLE message_files(
  owner INTEGER NOT NULL,
  conversation TEXT NOT NULL,
  message TEXT NOT NULL,
  file TEXT NOT NULL,
  PRIMARY KEY(owner, conversation, message, file),
  FOREIGN KEY(owner, conversation, message) REFERENCES messages(owner, conversation, id) ON DELETE CASCADE,
  FOREIGN KEY(owner, file) REFERENCES files(owner, id)) STRICT, WITHOUT ROWID;
CREATE INDEX message_files_by_file ON message_files(owner, file);
CREATE TABLE responses(
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  owner INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  previous TEXT,
  status TEXT NOT NULL,
  model TEXT NOT NULL,
  request TEXT NOT NULL,
  output TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  UNIQUE(owner, id)) STRICT;
CREATE TABLE response_files(
  owner INTEGER NOT NULL,
  response TEXT NOT NULL,
  file TEXT NOT NULL,
  PRIMARY KEY(owner, response, file),
  FOREIGN KEY(owner, response) REFERENCES responses(owner, id) ON DELETE CASCADE,
  FOREIGN KEY(owner, file) REFERENCES files(owner, id)) STRICT, WITHOUT ROWID;
CREATE INDEX response_files_by_file ON response_files(owner, file);
CREATE TABLE answers(
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  owner INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  conversation TEXT,
  response TEXT,
  status TEXT NOT NULL CHECK(status IN ('running', 'completed', 'failed', 'interrupted')),
  created_ms INTEGER NOT NULL,
  UNIQUE(owner, id),
  FOREIGN KEY(owner, conversation) REFERENCES conversations(owner, id) ON DELETE CASCADE,
  FOREIGN KEY(owner, response) REFERENCES responses(owner, id) ON DELETE CASCADE) STRICT;
CREATE INDEX answers_by_conversation ON answers(owner, conversation);
CREATE INDEX answers_by_response ON answers(owner, response);
CREATE TABLE garbage(
  owner INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK(kind IN ('file', 'log', 'database')),
  id TEXT NOT NULL,
  PRIMARY KEY(owner, kind, id)) STRICT, WITHOUT ROWID;
CREATE TRIGGER message_erased AFTER DELETE ON messages BEGIN
  INSERT OR IGNORE INTO garbage(owner, kind, id) VALUES (old.owner, 'database', '');
END;
CREATE TRIGGER message_rewritten AFTER UPDATE OF content ON messages BEGIN
  INSERT OR IGNORE INTO garbage(owner, kind, id) VALUES (old.owner, 'database', '');
END;
CREATE TRIGGER conversation_erased AFTER DELETE ON conversations BEGIN
  INSERT OR IGNORE INTO garbage(owner, kind, id) VALUES (old.owner, 'database', '');
END;
CREATE TRIGGER response_erased AFTER DELETE ON responses BEGIN
  INSERT OR IGNORE INTO garbage(owner, kind, id) VALUES (old.owner, 'database', '');
END;
CREATE TRIGGER user_erased AFTER DELETE ON users BEGIN
  INSERT OR IGNORE INTO garbage(owner, kind, id) VALUES (old.id, 'database', '');
END;
CREATE TRIGGER file_erased AFTER DELETE ON files BEGIN
  INSERT OR IGNORE INTO garbage(owner, kind, id) VALUES (old.owner, 'file', old.id), (old.owner, 'database', '');
END;
CREATE TRIGGER answer_erased AFTER DELETE ON answers BEGIN
  INSERT OR IGNORE INTO garbage(owner, kind, id) VALUES (old.owner, 'log', old.id);
END;
CREATE TRIGGER message_released_file AFTER DELETE ON message_files BEGIN
  DELETE FROM files WHERE owner = old.owner AND id = old.file
    AND NOT EXISTS(SELECT 1 FROM message_files WHERE owner = old.owner AND file = old.file)
    AND NOT EXISTS(SELECT 1 FROM response_files WHERE owner = old.owner AND file = old.file);
END;
CREATE TRIGGER response_released_file AFTER DELETE ON response_files BEGIN
  DELETE FROM files WHERE owner = old.owner AND id = old.file
    AND NOT EXISTS(SELECT 1 FROM message_files WHERE owner = old.owner AND file = old.file)
    AND NOT EXISTS(SELECT 1 FROM response_files WHERE owner = old.owner AND file = old.file);
END;
)sql";

// 4: settings. And a message that said nothing yet, since its answer was being made, leaves nothing to erase.
constexpr std::string_view kSettings = R"sql(
CREATE TABLE settings(
  owner INTEGER PRIMARY KEY REFERENCES users(id) ON DELETE CASCADE,
  value TEXT NOT NULL) STRICT;
DROP TRIGGER message_rewritten;
CREATE TRIGGER message_rewritten AFTER UPDATE OF content ON messages WHEN old.content <> '""' BEGIN
  INSERT OR IGNORE INTO garbage(owner, kind, id) VALUES (old.owner, 'database', '');
END;
)sql";

}  // namespace

const std::vector<std::string_view>& migrations() {
  static const std::string conversations = conversations_step();
  static const std::vector<std::string_view> steps = {kAccounts, conversations, kFilesAndAnswers, kSettings};
  return steps;
}

Result<int64_t> schema_version(Database& database) {
  MELETE_ASSIGN_OR_RETURN(Statement read, database.prepare("reading its version", "PRAGMA user_version"));
  MELETE_RETURN_IF_ERROR(read.step());
  return read.integer(0);
}

Status migrate(Database& database, int64_t up_to) {
  // Most often there is nothing to do, and then no right to write is needed.
  MELETE_ASSIGN_OR_RETURN(int64_t version, schema_version(database));
  if (version == up_to) return ok_status();
  MELETE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(database, "bringing it up to date"));
  MELETE_ASSIGN_OR_RETURN(version, schema_version(database));
  if (version > static_cast<int64_t>(migrations().size()))
    return invalid_argument("[", database.path().string(), "] the database must have version ",
                            migrations().size(), " or less, got ", version,
                            ", made by a newer Melete; use that one, or give another data folder");
  for (; version < up_to; ++version) {
    const std::string_view step = migrations()[static_cast<size_t>(version)];
    MELETE_RETURN_IF_ERROR(
        database.execute(cat("taking step ", version + 1, " of its schema"), std::string(step)));
  }
  MELETE_RETURN_IF_ERROR(database.execute("noting its version", cat("PRAGMA user_version = ", version)));
  return transaction.commit();
}

}  // namespace melete
