// Events of output parsers as text, for tests.
#pragma once

#include <string>
#include <vector>

#include "base/check.h"
#include "text/channel_parser.h"

namespace melete {

// Events as one line each, with neighbouring deltas joined.
inline std::string shown(const std::vector<ChannelEvent>& events) {
  using Kind = ChannelEvent::Kind;
  constexpr const char* kNames[] = {"self", "user", "commentary", "call", "end", "turn"};
  std::string out;
  Kind previous = Kind::message_end;
  for (const ChannelEvent& event : events) {
    const bool continues = !out.empty() && event.kind == previous && event.kind <= Kind::commentary;
    if (!continues)
      out +=
          cat(out.empty() ? "" : "|", kNames[static_cast<size_t>(event.kind)], event.text.empty() ? "" : ":");
    out += event.text;
    if (event.kind == Kind::tool_call) out += event.arguments.dump();
    previous = event.kind;
  }
  return out;
}

inline void append(std::vector<ChannelEvent>& to, std::vector<ChannelEvent> from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace melete
