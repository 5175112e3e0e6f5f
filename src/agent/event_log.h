// EventLog: numbers a run's events and hands each to its sinks: file, terminal, JSON, stream.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "agent/event.h"
#include "base/result.h"

namespace melete {

class EventLog {
 public:
  // The sinks belong to the caller and outlive the log.
  explicit EventLog(std::vector<EventSink*> sinks) : sinks_(std::move(sinks)) {}

  // A sink that throws gets no further event; what it threw goes on to the caller.
  void put(int32_t agent, std::string kind, int64_t token_index, Json data);

 private:
  std::vector<EventSink*> sinks_;  // null: threw
  uint64_t next_seq_ = 0;
};

// One JSON object a line: {"seq", "agent", "kind", "token", "data"}.
std::string to_line(const Event& event);
// Errors: corrupt (naming what a line must be).
Result<Event> parse_event(std::string_view line, std::string_view where);
// A log's events, of one run or several after one another; an unfinished last line is left out, so that a log
// cut at any byte gives the events before the cut. Errors: corrupt, naming `where` and the line.
Result<std::vector<Event>> parse_events(std::string_view text, std::string_view where);

// Appends lines to a file as they come, so that a log cut anywhere is a valid prefix.
class EventFile : public EventSink {
 public:
  // Errors: invalid_argument or unavailable if the file can't be created.
  static Result<std::unique_ptr<EventFile>> create(const std::filesystem::path& path);
  ~EventFile() override;
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;
  void put(const Event& event) override;
  // False once a write has failed (disk full); the run goes on without its log.
  bool ok() const { return ok_; }

 private:
  explicit EventFile(std::FILE* file) : file_(file) {}
  std::FILE* file_;
  bool ok_ = true;
};

}  // namespace melete
