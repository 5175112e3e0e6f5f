// Reads a text/event-stream as it comes, in whatever pieces. Pure.
//
// Source: WHATWG HTML, "Server-sent events": lines end with LF, CR or both; "data" lines of an event are
// joined by LF; comments and unknown fields are left out; an event without data is none, and one that is cut
// at the end is lost.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace melete {

struct ServerEvent {
  std::string name, data;
};

class SseReader {
 public:
  explicit SseReader(size_t max_event_bytes = size_t{4} << 20) : max_event_bytes_(max_event_bytes) {}

  // The events that are whole now. Error: corrupt, beyond max_event_bytes of one event; nothing can be read
  // any more.
  Result<std::vector<ServerEvent>> put(std::string_view bytes);

 private:
  void take_line(std::vector<ServerEvent>& events);

  const size_t max_event_bytes_;
  std::string line_;
  ServerEvent event_;
  bool has_data_ = false, after_cr_ = false, is_first_ = true;
};

}  // namespace melete
