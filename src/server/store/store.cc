#include "server/store/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "base/log.h"
#include "server/store/interrupted.h"
#include "server/store/migrations.h"
#include "server/store/rows.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

Status make_private_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return ok_status();
  return unavailable("[", path.string(), "] the folder must be possible to make, got: ", std::strerror(errno),
                     "; give a data folder that can be written");
}

Result<bool> has_garbage(Database& database) {
  MELETE_ASSIGN_OR_RETURN(Statement find,
                          database.prepare("looking for garbage", "SELECT 1 FROM garbage LIMIT 1"));
  return find.step();
}

Result<std::vector<OwnerId>> file_owners(Database& database) {
  MELETE_ASSIGN_OR_RETURN(Statement rows,
                          database.prepare("looking for unused files", "SELECT DISTINCT owner FROM files"));
  return read_rows(rows, [](const Statement& row) { return row.integer(0); });
}

// Below the data folder, of rows (whether it is a file or an event log, owner, id).
fs::path path_of(const Statement& row) {
  const bool file = row.integer(0) != 0;
  const fs::path folder = fs::path(file ? "files" : "events") / row.text(1);
  return file ? file_path(folder, row.text(2)) : event_log_path(folder, row.text(2));
}

// What was deleted and isn't there again.
Result<std::vector<fs::path>> garbage_paths(Database& database) {
  MELETE_ASSIGN_OR_RETURN(
      Statement rows,
      database.prepare(
          "erasing files",
          "SELECT g.kind = 'file', g.owner, g.id FROM garbage g WHERE (kind = 'file' AND NOT "
          "EXISTS(SELECT 1 FROM files f WHERE f.owner = g.owner AND f.id = g.id)) OR (kind = 'log' AND "
          "NOT EXISTS(SELECT 1 FROM answers a WHERE a.owner = g.owner AND a.id = g.id))"));
  return read_rows(rows, path_of);
}

Result<std::vector<fs::path>> known_paths(Database& database) {
  MELETE_ASSIGN_OR_RETURN(
      Statement rows,
      database.prepare("looking for stray files",
                       "SELECT 1, owner, id FROM files UNION ALL SELECT 0, owner, id FROM answers UNION "
                       "ALL SELECT kind = 'file', owner, id FROM garbage WHERE kind != 'database'"));
  return read_rows(rows, path_of);
}

}  // namespace

Result<fs::path> data_folder(const std::string& given) {
  if (!given.empty()) return fs::path(given);
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  if (const std::string data = variable("XDG_DATA_HOME"); !data.empty() && data[0] == '/')
    return fs::path(data) / "melete";
  if (const std::string home = variable("HOME"); !home.empty()) return fs::path(home) / ".local/share/melete";
  return invalid_argument("[data] HOME or XDG_DATA_HOME must be set, got neither; name a folder with --data");
}

// Erases within seconds of a deletion; several in a row are erased together.
class Store::Eraser {
 public:
  explicit Eraser(Store& store) : store_(store), thread_([this] { run(); }) {}
  ~Eraser() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

 private:
  void run() {
    auto pause = kPause;
    auto tidied = std::chrono::steady_clock::now();
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, pause, [this] { return stop_; })) {
      lock.unlock();
      if (std::chrono::steady_clock::now() - tidied > kTidyEvery) {
        tidied = std::chrono::steady_clock::now();
        if (const auto removed = store_.remove_unused_files(); !removed.ok())
          log_warn(removed.error().message);
      }
      const auto erased = store_.erase_garbage();
      if (!erased.ok()) log_warn(erased.error().message);
      pause = erased.ok() && *erased ? kPause : kPauseAfterFailure;
      lock.lock();
    }
  }

  static constexpr std::chrono::seconds kPause{2}, kPauseAfterFailure{30};
  static constexpr std::chrono::hours kTidyEvery{1};
  Store& store_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

Store::Store(fs::path folder, StoreOptions options, std::unique_ptr<Database> database)
    : folder_(std::move(folder)), options_(std::move(options)), database_(std::move(database)) {
  event_logs_ = std::make_unique<EventLogs>(*database_, folder_ / "events", options_.clock);
  if (options_.erase_in_background) eraser_ = std::make_unique<Eraser>(*this);
}

Result<std::unique_ptr<Store>> Store::open(const fs::path& folder, StoreOptions options) {
  MELETE_RETURN_IF_ERROR(make_private_folder(folder));
  MELETE_RETURN_IF_ERROR(make_private_folder(folder / "files"));
  MELETE_RETURN_IF_ERROR(make_private_folder(folder / "events"));
  MELETE_ASSIGN_OR_RETURN(auto database, Database::open(folder / "melete.db"));
  MELETE_RETURN_IF_ERROR(migrate(*database));
  return std::unique_ptr<Store>(new Store(folder, std::move(options), std::move(database)));
}

Store::~Store() {
  eraser_.reset();
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

Status Store::claim() {
  const fs::path path = folder_ / "serving.lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return unavailable("[", path.string(),
                       "] the file must be possible to write, got: ", std::strerror(errno),
                       "; give a data folder that can be written");
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    return unavailable(
        "[", folder_.string(),
        "] a data folder must have one server, got another that is running; stop that one or give "
        "another folder with --data");
  }
  lock_fd_ = fd;
  MELETE_RETURN_IF_ERROR(complete_interrupted(*this));
  MELETE_RETURN_IF_ERROR(event_logs_->recover());
  MELETE_RETURN_IF_ERROR(Responses::recover(*database_));
  return remove_strays();
}

Conversations Store::conversations(OwnerId owner) {
  return Conversations(*database_, owner, options_.clock, options_.conversations);
}

Files Store::files(OwnerId owner) {
  return Files(*database_, owner, folder_ / "files" / std::to_string(owner), options_.clock, options_.files);
}

Responses Store::responses(OwnerId owner) { return Responses(*database_, owner, options_.clock); }

Result<int64_t> Store::remove_unused_files() {
  MELETE_ASSIGN_OR_RETURN(const std::vector<OwnerId> owners, file_owners(*database_));
  int64_t removed = 0;
  for (const OwnerId owner : owners) {
    MELETE_ASSIGN_OR_RETURN(const int64_t its, files(owner).remove_unused());
    removed += its;
  }
  return removed;
}

// Under the right to write, so that Files::put never finds bytes that are about to go.
Status Store::erase_files() {
  MELETE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(*database_, "erasing files"));
  MELETE_ASSIGN_OR_RETURN(const std::vector<fs::path> paths, garbage_paths(*database_));
  for (const fs::path& path : paths)
    if (::unlink((folder_ / path).c_str()) != 0 && errno != ENOENT)
      return unavailable("[", path.string(),
                         "] the file must be possible to delete, got: ", std::strerror(errno),
                         "; check the data folder's permissions");
  MELETE_RETURN_IF_ERROR(
      database_->run("erasing files", "DELETE FROM garbage WHERE kind IN ('file', 'log')"));
  return transaction.commit();
}

// Bytes whose row was never written, since the program was killed or the transaction failed. A file that is
// being written has another name, and goes when it is an hour old.
Status Store::remove_strays() {
  MELETE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(*database_, "looking for stray files"));
  MELETE_ASSIGN_OR_RETURN(const std::vector<fs::path> paths, known_paths(*database_));
  const std::set<fs::path> known(paths.begin(), paths.end());
  const auto now = fs::file_time_type::clock::now();
  std::error_code error;
  for (const char* kind : {"files", "events"}) {
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / kind, error)) {
      if (!entry.is_regular_file(error) || known.contains(entry.path().lexically_relative(folder_))) continue;
      const std::string extension = entry.path().extension();
      const bool temporary = !extension.empty() && extension != ".jsonl";
      if (!temporary || now - entry.last_write_time(error) > std::chrono::hours(1))
        fs::remove(entry.path(), error);
    }
  }
  return transaction.commit();
}

Result<bool> Store::erase_garbage() {
  MELETE_ASSIGN_OR_RETURN(const bool found, has_garbage(*database_));
  if (!found) return true;
  MELETE_RETURN_IF_ERROR(erase_files());
  // What is deleted from here on is garbage anew.
  MELETE_RETURN_IF_ERROR(database_->run(
      "erasing garbage", "UPDATE OR REPLACE garbage SET id = 'erasing' WHERE kind = 'database' AND id = ''"));
  // A connection of its own, since this takes long: readers of the other one go on.
  MELETE_ASSIGN_OR_RETURN(const auto own, Database::open(database_->path()));
  MELETE_RETURN_IF_ERROR(own->execute("erasing garbage",
                                      "INSERT INTO message_search(message_search) VALUES ('optimize');"
                                      "INSERT INTO title_search(title_search) VALUES ('optimize'); VACUUM"));
  MELETE_ASSIGN_OR_RETURN(Statement journal,
                          own->prepare("erasing its journal", "PRAGMA wal_checkpoint(TRUNCATE)"));
  MELETE_RETURN_IF_ERROR(journal.step());
  if (journal.integer(0) != 0) return false;
  MELETE_RETURN_IF_ERROR(
      database_->run("erasing garbage", "DELETE FROM garbage WHERE kind = 'database' AND id = 'erasing'"));
  return true;
}

}  // namespace melete
