// The event logs of answers: one append-only file an answer, JSON lines as agent/event_log.h writes them.
//
// An event is in the file when it was put, or some 25 ms later where many come at once (a thread of EventLogs
// writes what has gathered), so kill -9 loses no more than that; a log cut at any byte is a valid prefix.
// Readers see every event that was put, written or not. A log belongs to an owner and, if named, to a
// conversation or a response, with which it is deleted.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/event_log.h"
#include "server/store/clock.h"
#include "server/store/owned.h"

namespace melete {

// The log of an answer being made: a sink of its run. One thread puts; any may flush.
class AnswerLog : public EventSink {
 public:
  ~AnswerLog() override;
  AnswerLog(const AnswerLog&) = delete;
  AnswerLog& operator=(const AnswerLog&) = delete;

  const std::string& id() const { return id_; }
  void put(const Event& event) override;
  // Writes what has gathered. After a failed write (full disk) the log ends with its last whole line and
  // takes no more; the answer goes on.
  void flush();
  // Errors: unavailable, why the log ended early.
  Status status() const;

 private:
  friend class EventLogs;
  AnswerLog(OwnerId owner, std::string id, std::filesystem::path path, int fd)
      : owner_(owner), id_(std::move(id)), path_(std::move(path)), fd_(fd) {}
  void write();

  const OwnerId owner_;
  const std::string id_;
  const std::filesystem::path path_;
  mutable std::mutex mutex_;  // of all below
  int fd_;
  std::string buffer_;
  std::chrono::steady_clock::time_point written_at_ = {};
  int64_t written_bytes_ = 0;
  std::string problem_;
};

// What an answer belongs to; at most one of the two is named.
struct AnswerOf {
  std::string conversation, response;
};

struct AnswerInfo {
  std::string id;
  AnswerOf of;
  std::string
      status;  // "running", "completed", "failed", "interrupted" (the program ended before the answer)
  int64_t created_ms = 0;
};

class EventLogs {
 public:
  // `folder` holds a folder for each owner. Flushing takes a thread of its own.
  EventLogs(Database& database, std::filesystem::path folder, Clock clock = system_time_ms);
  ~EventLogs();
  EventLogs(const EventLogs&) = delete;
  EventLogs& operator=(const EventLogs&) = delete;

  // A new log, status "running". An empty `id` is replaced by a new one. Errors: invalid_argument (the id is
  // taken, or the conversation or response doesn't exist), unavailable.
  Result<std::shared_ptr<AnswerLog>> create(OwnerId owner, const AnswerOf& of = {},
                                            const std::string& id = "");
  // Writes what is left and notes how the answer ended: "completed" or "failed".
  Status finish(AnswerLog& log, const std::string& status);
  Result<AnswerInfo> get(OwnerId owner, const std::string& id) const;
  // Oldest first.
  Result<std::vector<AnswerInfo>> list(OwnerId owner) const;
  // Events with seq >= from_seq, of a running answer too. Errors: not_found, corrupt.
  Result<std::vector<Event>> read(OwnerId owner, const std::string& id, uint64_t from_seq = 0) const;
  // The log's whole lines, as they are.
  Result<std::string> read_text(OwnerId owner, const std::string& id) const;
  // A whole log from elsewhere. Errors: as create, and corrupt (no event log).
  Status import(OwnerId owner, const AnswerInfo& info, const std::string& text);
  // Called by the one server of a data folder when it starts: answers that a former one left running are
  // interrupted. How many.
  Result<int64_t> recover();

 private:
  std::filesystem::path path_of(OwnerId owner, const std::string& id) const;
  Status insert(OwnerId owner, const AnswerInfo& info);
  void flush_all() const;

  Database& database_;
  const std::filesystem::path folder_;
  const Clock clock_;
  mutable std::mutex mutex_;  // of all below
  mutable std::map<std::pair<OwnerId, std::string>, std::weak_ptr<AnswerLog>> open_;
  bool stop_ = false;
  std::condition_variable wake_;
  std::thread flusher_;
};

// Where the log of an answer lies below its owner's folder.
std::filesystem::path event_log_path(const std::filesystem::path& owner_folder, const std::string& id);

}  // namespace melete
