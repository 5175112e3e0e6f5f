#include "server/store/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace melete {
namespace {

constexpr int kBusyTimeoutMs = 10'000;
constexpr size_t kMaxIdleStatements = 200;

const char* advice(int code) {
  switch (code) {
    case SQLITE_FULL: return "free some space on the disk";
    case SQLITE_IOERR: return "check the disk and its free space";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN: return "give a data folder that can be written";
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return "another program holds the database; try again";
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_ERROR: return "restore it from a backup or give another data folder";
    case SQLITE_CONSTRAINT: return "name things that exist, and each once";
    default: return "try again";
  }
}

ErrorKind kind_of(int code) {
  switch (code) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_ERROR: return ErrorKind::corrupt;
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG: return ErrorKind::invalid_argument;
    default: return ErrorKind::unavailable;
  }
}

Error error_of(sqlite3* handle, const std::filesystem::path& path, std::string_view purpose) {
  const int code = sqlite3_errcode(handle) & 0xff;
  return {kind_of(code), cat("[", path.string(), "] the database must be possible to use for ", purpose,
                             ", got: ", sqlite3_errmsg(handle), "; ", advice(code))};
}

// SQLite would make it readable by all; its journals take the permissions of the file. A file that is there
// is never opened here: closing it would take away the locks that this process's other connections have on it
// (POSIX), and another program would delete the journal under them.
Status create_private(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::create_directories(path.parent_path(), ignored);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const bool can_be_used =
      fd >= 0 || (errno == EEXIST && ::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) == 0);
  if (!can_be_used)
    return unavailable("[", path.string(),
                       "] the database must be possible to write, got: ", std::strerror(errno),
                       "; give a data folder that can be written");
  if (fd >= 0) ::close(fd);
  return ok_status();
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      lock_(std::move(other.lock_)),
      prepared_(std::move(other.prepared_)),
      statement_(std::exchange(other.statement_, nullptr)),
      purpose_(std::move(other.purpose_)) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  if (database_->idle_.size() < kMaxIdleStatements)
    database_->idle_.insert(std::move(prepared_));
  else
    sqlite3_finalize(statement_);
}

void Statement::bind(int index, int64_t value) { sqlite3_bind_int64(statement_, index, value); }

void Statement::bind(int index, std::string_view value) {
  const char* text = value.data() == nullptr ? "" : value.data();
  sqlite3_bind_text64(statement_, index, text, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void Statement::bind(int index, std::optional<int64_t> value) {
  if (value)
    bind(index, *value);
  else
    bind(index, std::nullopt);
}

void Statement::bind(int index, std::nullopt_t) { sqlite3_bind_null(statement_, index); }

Result<bool> Statement::step() {
  switch (sqlite3_step(statement_)) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: return false;
    default: return database_->error(purpose_);
  }
}

int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return bytes == nullptr ? std::string()
                          : std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::optional<int64_t> Statement::optional_integer(int column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& path) {
  MELETE_RETURN_IF_ERROR(create_private(path));
  sqlite3* handle = nullptr;
  // No lock of SQLite's own: mutex_ does.
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  MELETE_CHECK(handle != nullptr, "no memory for a connection");
  std::unique_ptr<Database> database(new Database(path, handle));
  if (code != SQLITE_OK) return database->error("opening");
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  MELETE_RETURN_IF_ERROR(database->execute("opening",
                                           "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                                           "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;"
                                           "PRAGMA temp_store = MEMORY"));
  MELETE_RETURN_IF_ERROR(database->find_wal_index());
  return database;
}

// SQLite has it in memory from the first statement that reads until the connection is closed.
Status Database::find_wal_index() {
  MELETE_RETURN_IF_ERROR(execute("opening", "SELECT count(*) FROM sqlite_schema"));
  sqlite3_file* file = nullptr;
  void volatile* region = nullptr;
  sqlite3_file_control(handle_, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  constexpr int kRegionBytes = 32 << 10;  // of which SQLite asks for it too
  if (file == nullptr || file->pMethods->iVersion < 2 ||
      file->pMethods->xShmMap(file, 0, kRegionBytes, 0, &region) != SQLITE_OK || region == nullptr)
    return unavailable("[", path_.string(),
                       "] the database must be on a file system with shared memory (mmap), got one without; "
                       "give another data folder");
  wal_index_ = static_cast<uint32_t*>(const_cast<void*>(region));
  return ok_status();
}

// The header of the WAL index, by which SQLite itself sees whether it has to read pages again: a counter of
// commits and checksums of the last one (sqlite.org/walformat.html, 2.1). Half-written it is like no other.
Database::Version Database::version() const {
  Version version;
  for (size_t i = 0; i < version.size(); ++i)
    version[i] = std::atomic_ref(wal_index_[i]).load(std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_acquire);
  return version;
}

Database::~Database() {
  for (const auto& [sql, statement] : idle_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

Error Database::error(std::string_view purpose) const { return error_of(handle_, path_, purpose); }

Result<Statement> Database::prepare_unbound(std::string_view purpose, std::string_view sql, int num_values) {
  std::unique_lock lock(mutex_);
  auto idle = idle_.find(sql);
  if (idle == idle_.end()) {
    sqlite3_stmt* prepared = nullptr;
    if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                           &prepared, nullptr) != SQLITE_OK)
      return error(purpose);
    idle = idle_.emplace(sql, prepared);
  }
  MELETE_CHECK(sqlite3_bind_parameter_count(idle->second) == num_values, num_values, " values for: ", sql);
  return Statement(*this, std::move(lock), idle_.extract(idle), std::string(purpose));
}

Result<int64_t> Database::finish(Statement& statement) {
  const int64_t before = sqlite3_total_changes64(handle_);
  while (true) {
    MELETE_ASSIGN_OR_RETURN(const bool row, statement.step());
    if (!row) break;
  }
  // A statement that changes nothing leaves sqlite3_changes at what an earlier one did.
  return sqlite3_total_changes64(handle_) == before ? 0 : sqlite3_changes64(handle_);
}

Status Database::execute(std::string_view purpose, const std::string& sql) {
  const std::lock_guard lock(mutex_);
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return error(purpose);
  return ok_status();
}

Result<Transaction> Transaction::begin(Database& database, std::string_view purpose) {
  std::unique_lock lock(database.mutex_);
  const int depth = database.depth_;
  MELETE_RETURN_IF_ERROR(
      database.execute(purpose, depth == 0 ? "BEGIN IMMEDIATE" : cat("SAVEPOINT t", depth)));
  ++database.depth_;
  return Transaction(database, std::move(lock), std::string(purpose), depth);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)),
      lock_(std::move(other.lock_)),
      purpose_(std::move(other.purpose_)),
      depth_(other.depth_) {}

Transaction::~Transaction() {
  if (database_ == nullptr) return;
  --database_->depth_;
  // A full disk may have rolled everything back already; then there is nothing left to undo.
  if (sqlite3_get_autocommit(database_->handle_) != 0) return;
  const std::string undo = depth_ == 0 ? "ROLLBACK" : cat("ROLLBACK TO t", depth_, "; RELEASE t", depth_);
  sqlite3_exec(database_->handle_, undo.c_str(), nullptr, nullptr, nullptr);
}

Status Transaction::commit() {
  MELETE_RETURN_IF_ERROR(
      database_->execute(purpose_, depth_ == 0 ? std::string("COMMIT") : cat("RELEASE t", depth_)));
  --database_->depth_;
  database_ = nullptr;
  lock_.unlock();
  return ok_status();
}

}  // namespace melete
