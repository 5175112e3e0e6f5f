// Database: a small layer over SQLite that turns every failure into an Error saying what was being done.
//
// One connection and a lock: a Statement and a Transaction hold the lock while they live, so all threads may
// share one Database. WAL with synchronous=NORMAL: what a transaction has committed survives kill -9 of the
// process (a power cut may lose the last moments, never consistency). Deleted content is overwritten
// (secure_delete). Other processes may use the same file at the same time; who waits longer than the busy
// timeout gets unavailable.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace melete {

class Database;

// Prepared statements by their text, with duplicates where one is in use several times at once.
struct StatementHash : std::hash<std::string_view> {
  using is_transparent = void;
};
using PreparedStatements =
    std::unordered_multimap<std::string, sqlite3_stmt*, StatementHash, std::equal_to<>>;

// A prepared statement with its values bound, to be stepped. Text is UTF-8; NULL reads as "" and 0.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();  // goes back to the database's cache

  // True: a row can be read. False: the statement has ended.
  Result<bool> step();
  int64_t integer(int column) const;
  std::string text(int column) const;
  std::optional<int64_t> optional_integer(int column) const;
  bool is_null(int column) const;

 private:
  friend class Database;
  Statement(Database& database, std::unique_lock<std::recursive_mutex> lock,
            PreparedStatements::node_type prepared, std::string purpose)
      : database_(&database),
        lock_(std::move(lock)),
        prepared_(std::move(prepared)),
        statement_(prepared_.mapped()),
        purpose_(std::move(purpose)) {}

  void bind(int index, int64_t value);
  void bind(int index, int value) { bind(index, int64_t{value}); }
  void bind(int index, bool value) { bind(index, int64_t{value}); }
  void bind(int index, std::string_view value);
  void bind(int index, const std::string& value) { bind(index, std::string_view(value)); }
  void bind(int index, const char* value) { bind(index, std::string_view(value)); }
  void bind(int index, std::optional<int64_t> value);
  void bind(int index, std::nullopt_t);

  Database* database_;
  std::unique_lock<std::recursive_mutex> lock_;
  PreparedStatements::node_type prepared_;  // taken out of the database's cache
  sqlite3_stmt* statement_;
  std::string purpose_;
};

class Database {
 public:
  // Opens or creates the file (readable by its owner only). No schema yet: see store/migrations.h. Errors:
  // unavailable (folder or file can't be written), corrupt (no SQLite database).
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // `purpose` completes "the database must be possible to use for ...": "reading a conversation". The values
  // are bound to ?1, ?2 ... in order; their number must be that of the parameters. Errors of this and of
  // step(): unavailable (busy, full disk, read-only), corrupt, invalid_argument (a constraint).
  template <class... Values>
  Result<Statement> prepare(std::string_view purpose, std::string_view sql, const Values&... values) {
    MELETE_ASSIGN_OR_RETURN(Statement statement, prepare_unbound(purpose, sql, sizeof...(Values)));
    int index = 0;
    (statement.bind(++index, values), ...);
    return statement;
  }

  // Runs a statement to its end; the number of rows that it changed.
  template <class... Values>
  Result<int64_t> run(std::string_view purpose, std::string_view sql, const Values&... values) {
    MELETE_ASSIGN_OR_RETURN(Statement statement, prepare(purpose, sql, values...));
    return finish(statement);
  }

  // Several statements without parameters, separated by semicolons.
  Status execute(std::string_view purpose, const std::string& sql);

  // Another one after each commit that changes something, by whichever connection or program: what was read
  // when it was this is still so. Takes no lock and no system call, where a statement takes both; any thread
  // may ask.
  using Version = std::array<uint32_t, 12>;
  Version version() const;

  const std::filesystem::path& path() const { return path_; }

 private:
  friend class Statement;
  friend class Transaction;
  Database(std::filesystem::path path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}

  Status find_wal_index();
  Result<Statement> prepare_unbound(std::string_view purpose, std::string_view sql, int num_values);
  Result<int64_t> finish(Statement& statement);
  Error error(std::string_view purpose) const;  // of the last failure

  const std::filesystem::path path_;
  sqlite3* handle_;
  uint32_t* wal_index_ = nullptr;  // shared with all who have the database open
  std::recursive_mutex mutex_;
  int depth_ = 0;  // of nested transactions
  PreparedStatements idle_;
};

// Everything until commit() happens as a whole or not at all. Takes the right to write at once (BEGIN
// IMMEDIATE), so that it can't fail half-way for another writer; one inside another is a part of the outer
// one that can be rolled back alone.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database, std::string_view purpose);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();  // without commit(): nothing happened
  Status commit();

 private:
  Transaction(Database& database, std::unique_lock<std::recursive_mutex> lock, std::string purpose, int depth)
      : database_(&database), lock_(std::move(lock)), purpose_(std::move(purpose)), depth_(depth) {}
  Database* database_;
  std::unique_lock<std::recursive_mutex> lock_;
  std::string purpose_;
  int depth_;
};

}  // namespace melete
