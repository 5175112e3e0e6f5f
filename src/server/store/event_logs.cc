#include "server/store/event_logs.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "server/store/rows.h"
#include "server/store/secret.h"

namespace melete {
namespace {

namespace fs = std::filesystem;

constexpr auto kFlushEvery = std::chrono::milliseconds(25);
constexpr size_t kMaxBuffer = size_t{256} << 10;
constexpr const char* kAnswerInfo =
    "SELECT id, conversation, response, status, created_ms FROM answers WHERE owner = ?1";

AnswerInfo answer_info_of(const Statement& row) {
  return {row.text(0), {row.text(1), row.text(2)}, row.text(3), row.integer(4)};
}

Result<int> create_log(const fs::path& path) {
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
  if (fd >= 0) return fd;
  return unavailable("[", path.string(),
                     "] the event log must be possible to create, got: ", std::strerror(errno),
                     "; check the data folder and its disk");
}

}  // namespace

AnswerLog::~AnswerLog() {
  flush();
  ::close(fd_);
}

void AnswerLog::put(const Event& event) {
  const std::string line = to_line(event);
  const std::lock_guard lock(mutex_);
  if (!problem_.empty()) return;
  buffer_ += line;
  if (buffer_.size() >= kMaxBuffer || std::chrono::steady_clock::now() - written_at_ >= kFlushEvery) write();
}

void AnswerLog::flush() {
  const std::lock_guard lock(mutex_);
  write();
}

// Under the mutex.
void AnswerLog::write() {
  if (!buffer_.empty()) written_at_ = std::chrono::steady_clock::now();
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      problem_ =
          cat("[", path_.string(), "] the event log must be possible to write, got: ", std::strerror(errno),
              "; free some space on the disk");
      log_warn(problem_);
      // The file keeps its whole lines; what was cut is taken off so that nothing can follow it.
      const size_t written = buffer_.size() - rest.size();
      const size_t whole = std::string_view(buffer_).substr(0, written).rfind('\n');
      written_bytes_ += whole == std::string::npos ? 0 : static_cast<int64_t>(whole) + 1;
      if (::ftruncate(fd_, written_bytes_) != 0) log_warn(problem_);
      buffer_.clear();
      return;
    }
    rest.remove_prefix(static_cast<size_t>(n));
  }
  written_bytes_ += static_cast<int64_t>(buffer_.size());
  buffer_.clear();
}

Status AnswerLog::status() const {
  const std::lock_guard lock(mutex_);
  return problem_.empty() ? ok_status() : Status(Error{ErrorKind::unavailable, problem_});
}

EventLogs::EventLogs(Database& database, fs::path folder, Clock clock)
    : database_(database), folder_(std::move(folder)), clock_(std::move(clock)) {
  flusher_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    while (!stop_) {
      if (open_.empty()) {
        wake_.wait(lock);
        continue;
      }
      wake_.wait_for(lock, kFlushEvery);
      lock.unlock();
      flush_all();
      lock.lock();
    }
  });
}

EventLogs::~EventLogs() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  flusher_.join();
  flush_all();
}

void EventLogs::flush_all() const {
  std::vector<std::shared_ptr<AnswerLog>> logs;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = open_.begin(); it != open_.end();) {
      if (auto log = it->second.lock()) {
        logs.push_back(std::move(log));
        ++it;
      } else {
        it = open_.erase(it);
      }
    }
  }
  for (const auto& log : logs) log->flush();
}

fs::path EventLogs::path_of(OwnerId owner, const std::string& id) const {
  return event_log_path(folder_ / std::to_string(owner), id);
}

fs::path event_log_path(const fs::path& owner_folder, const std::string& id) {
  MELETE_CHECK(is_id(id), id);
  return owner_folder / (id + ".jsonl");
}

Status EventLogs::insert(OwnerId owner, const AnswerInfo& info) {
  if (!is_id(info.id))
    return invalid_argument("[answers] an id must be 1 to 64 letters, digits, '_' and '-', got ",
                            info.id.size(), " other characters; leave it out to get one");
  MELETE_RETURN_IF_ERROR(
      Owned(database_, owner)
          .run("beginning an answer",
               "INSERT INTO answers(owner, id, conversation, response, status, created_ms) VALUES (?1, ?2, "
               "nullif(?3, ''), nullif(?4, ''), ?5, ?6)",
               info.id, info.of.conversation, info.of.response, info.status, info.created_ms));
  return ok_status();
}

Result<std::shared_ptr<AnswerLog>> EventLogs::create(OwnerId owner, const AnswerOf& of,
                                                     const std::string& id) {
  const std::string own = id.empty() ? new_id("ans") : id;
  MELETE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(database_, "beginning an answer"));
  MELETE_RETURN_IF_ERROR(insert(owner, {own, of, "running", clock_()}));
  const fs::path path = path_of(owner, own);
  MELETE_ASSIGN_OR_RETURN(const int fd, create_log(path));
  std::shared_ptr<AnswerLog> log(new AnswerLog(owner, own, path, fd));
  if (const Status committed = transaction.commit(); !committed.ok()) {
    ::unlink(path.c_str());
    return committed.error();
  }
  {
    const std::lock_guard lock(mutex_);
    open_[{owner, own}] = log;
  }
  wake_.notify_all();
  return log;
}

Status EventLogs::finish(AnswerLog& log, const std::string& status) {
  log.flush();
  {
    const std::lock_guard lock(mutex_);
    open_.erase({log.owner_, log.id_});
  }
  MELETE_ASSIGN_OR_RETURN(
      const int64_t changed,
      Owned(database_, log.owner_)
          .run("ending an answer", "UPDATE answers SET status = ?3 WHERE owner = ?1 AND id = ?2", log.id_,
               status));
  if (changed == 0)
    return not_found("[answers] the answer must still be there, got ", log.id_,
                     ", deleted meanwhile; its log went with it");
  return log.status();
}

Result<AnswerInfo> EventLogs::get(OwnerId owner, const std::string& id) const {
  MELETE_ASSIGN_OR_RETURN(
      Statement find,
      Owned(database_, owner).prepare("reading an answer", cat(kAnswerInfo, " AND id = ?2"), id));
  MELETE_ASSIGN_OR_RETURN(const bool found, find.step());
  if (!found)
    return not_found("[answers] the answer must exist, got \"", is_id(id) ? id : "no id",
                     "\"; it may have been deleted");
  return answer_info_of(find);
}

Result<std::vector<AnswerInfo>> EventLogs::list(OwnerId owner) const {
  MELETE_ASSIGN_OR_RETURN(
      Statement rows, Owned(database_, owner).prepare("listing answers", cat(kAnswerInfo, " ORDER BY row")));
  return read_rows(rows, answer_info_of);
}

Result<std::string> EventLogs::read_text(OwnerId owner, const std::string& id) const {
  MELETE_RETURN_IF_ERROR(get(owner, id));
  std::shared_ptr<AnswerLog> log;
  {
    const std::lock_guard lock(mutex_);
    if (const auto open = open_.find({owner, id}); open != open_.end()) log = open->second.lock();
  }
  if (log) log->flush();
  MELETE_ASSIGN_OR_RETURN(std::string text, read_file(path_of(owner, id)));
  text.resize(text.rfind('\n') + 1);
  return text;
}

Result<std::vector<Event>> EventLogs::read(OwnerId owner, const std::string& id, uint64_t from_seq) const {
  MELETE_ASSIGN_OR_RETURN(const std::string text, read_text(owner, id));
  MELETE_ASSIGN_OR_RETURN(std::vector<Event> events, parse_events(text, id));
  std::erase_if(events, [&](const Event& event) { return event.seq < from_seq; });
  return events;
}

Status EventLogs::import(OwnerId owner, const AnswerInfo& info, const std::string& text) {
  MELETE_RETURN_IF_ERROR(parse_events(text, info.id));
  MELETE_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(database_, "putting back an answer"));
  MELETE_RETURN_IF_ERROR(insert(owner, info));
  MELETE_RETURN_IF_ERROR(write_file(path_of(owner, info.id), text));
  return transaction.commit();
}

Result<int64_t> EventLogs::recover() {
  return database_.run("ending answers of a former server",
                       "UPDATE answers SET status = 'interrupted' WHERE status = 'running'");
}

}  // namespace melete
