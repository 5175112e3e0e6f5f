#include "remote/sse_reader.h"

#include <utility>

namespace melete {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

Result<std::vector<ServerEvent>> SseReader::put(std::string_view bytes) {
  std::vector<ServerEvent> events;
  for (const char c : bytes) {
    const bool ends_pair = c == '\n' && std::exchange(after_cr_, false);
    after_cr_ = c == '\r';
    if (ends_pair) continue;
    if (c == '\n' || c == '\r') {
      take_line(events);
      continue;
    }
    line_ += c;
    if (line_.size() + event_.data.size() > max_event_bytes_)
      return corrupt("[stream] an event must have at most ", max_event_bytes_,
                     " bytes, got more; the server must send shorter ones");
  }
  return events;
}

void SseReader::take_line(std::vector<ServerEvent>& events) {
  if (std::exchange(is_first_, false) && line_.starts_with(kByteOrderMark))
    line_.erase(0, kByteOrderMark.size());
  const std::string line = std::exchange(line_, {});
  if (line.empty()) {
    if (std::exchange(has_data_, false)) events.push_back(std::move(event_));
    event_ = {};
    return;
  }
  const size_t colon = line.find(':');
  const std::string_view field = std::string_view(line).substr(0, colon);
  std::string_view value =
      colon == std::string::npos ? std::string_view() : std::string_view(line).substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event") event_.name = value;
  if (field != "data") return;
  if (std::exchange(has_data_, true)) event_.data += '\n';
  event_.data += value;
}

}  // namespace melete
