#include "agent/event_log.h"

#include <cerrno>
#include <cstring>

namespace melete {

void EventLog::put(int32_t agent, std::string kind, int64_t token_index, Json data) {
  const Event event{next_seq_++, agent, std::move(kind), token_index, std::move(data)};
  for (EventSink* sink : sinks_) sink->put(event);
}

std::string to_line(const Event& event) {
  Json line = {{"seq", event.seq}, {"agent", event.agent}, {"kind", event.kind}, {"token", event.token_index}};
  line["data"] = event.data;
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Event> parse_event(std::string_view line, std::string_view where) {
  MELETE_ASSIGN_OR_RETURN(const Json json, parse_json(line, where));
  const auto is_int = [&](const char* key) { return json.contains(key) && json[key].is_number_integer(); };
  if (!json.is_object() || !is_int("seq") || !is_int("agent") || !is_int("token") || !json.contains("kind") ||
      !json["kind"].is_string() || !json.contains("data"))
    return corrupt("[", where, "] each line must be an object with seq, agent, kind, token and data, got ",
                   line.substr(0, 80), "; give a log that --events wrote");
  return Event{json["seq"], json["agent"], json["kind"], json["token"], json["data"]};
}

Result<std::unique_ptr<EventFile>> EventFile::create(const std::filesystem::path& path) {
  std::error_code ignored;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), ignored);
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (!file)
    return unavailable("[", path.string(), "] the event log must be possible to create, got: ", std::strerror(errno),
                       "; check the path");
  return std::unique_ptr<EventFile>(new EventFile(file));
}

EventFile::~EventFile() { std::fclose(file_); }

void EventFile::put(const Event& event) {
  const std::string line = to_line(event);
  ok_ = ok_ && std::fwrite(line.data(), 1, line.size(), file_) == line.size() && std::fflush(file_) == 0;
}

}  // namespace melete
