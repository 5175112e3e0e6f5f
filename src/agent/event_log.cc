#include "agent/event_log.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "text/utf8.h"

namespace melete {

void EventLog::put(int32_t agent, std::string kind, int64_t token_index, Json data) {
  const Event event{next_seq_++, agent, std::move(kind), token_index, std::move(data)};
  for (EventSink*& sink : sinks_) {
    if (!sink) continue;
    EventSink* const taking = std::exchange(sink, nullptr);  // stays out if it throws
    taking->put(event);
    sink = taking;
  }
}

std::string to_line(const Event& event) {
  Json line = {
      {"seq", event.seq}, {"agent", event.agent}, {"kind", event.kind}, {"token", event.token_index}};
  line["data"] = event.data;
  return json_text(line) + "\n";
}

Result<Event> parse_event(std::string_view line, std::string_view where) {
  MELETE_ASSIGN_OR_RETURN(const Json json, parse_json(line, where));
  // Integers above the signed range would wrap.
  const auto in_range = [&](const char* key, int64_t low, int64_t high) {
    if (!json.contains(key) || !json[key].is_number_integer()) return false;
    if (json[key].is_number_unsigned() && json[key].get<uint64_t>() > INT64_MAX) return false;
    return json[key].get<int64_t>() >= low && json[key].get<int64_t>() <= high;
  };
  const bool usable = json.is_object() && in_range("seq", 0, INT64_MAX) && in_range("agent", -1, INT32_MAX) &&
                      in_range("token", 0, INT64_MAX) && json.contains("kind") && json["kind"].is_string() &&
                      json.contains("data") && json["data"].is_object();
  if (!usable)
    return corrupt("[", where, "] each line must be an object with seq, agent, kind, token and data, got ",
                   valid_utf8(line.substr(0, 80)), "; give a log that --events wrote");
  return Event{json["seq"], json["agent"], json["kind"], json["token"], json["data"]};
}

Result<std::vector<Event>> parse_events(std::string_view text, std::string_view where) {
  std::vector<Event> events;
  for (size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string_view::npos; begin = end + 1) {
    const std::string at = cat(where, ":", events.size() + 1);
    MELETE_ASSIGN_OR_RETURN(Event event, parse_event(text.substr(begin, end - begin), at));
    const uint64_t next = events.empty() ? 0 : events.back().seq + 1;
    if (event.seq != next && event.seq != 0)
      return corrupt("[", at, "] seq must be ", next, ", or 0 where a run starts, got ", event.seq,
                     "; give a log that --events wrote, whole up to its end");
    events.push_back(std::move(event));
  }
  return events;
}

Result<std::unique_ptr<EventFile>> EventFile::create(const std::filesystem::path& path) {
  std::error_code ignored;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), ignored);
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (!file)
    return unavailable("[", path.string(),
                       "] the event log must be possible to create, got: ", std::strerror(errno),
                       "; check the path");
  return std::unique_ptr<EventFile>(new EventFile(file));
}

EventFile::~EventFile() { std::fclose(file_); }

void EventFile::put(const Event& event) {
  const std::string line = to_line(event);
  ok_ = ok_ && std::fwrite(line.data(), 1, line.size(), file_) == line.size() && std::fflush(file_) == 0;
}

}  // namespace melete
