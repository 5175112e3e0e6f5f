// Any bytes as a model's output: the same events whatever the pieces it comes in, and only whole characters.
#include <algorithm>
#include <array>

#include "text/channel_parser.h"

namespace {

using melete::ChannelEvent;
using melete::ChannelParser;

// One line an event; neighbouring deltas of one channel are joined.
std::string told(ChannelParser& parser, std::string_view bytes, size_t piece) {
  std::string story;
  ChannelEvent::Kind last = ChannelEvent::Kind::turn_end;
  const auto tell = [&](const std::vector<ChannelEvent>& events) {
    for (const ChannelEvent& event : events) {
      const bool is_delta = event.kind < ChannelEvent::Kind::tool_call;
      if (!is_delta || event.kind != last) story += melete::cat("\n", static_cast<int>(event.kind), ":");
      story += event.text;
      if (event.kind == ChannelEvent::Kind::tool_call) story += event.arguments.dump();
      last = event.kind;
    }
  };
  for (size_t begin = 0; begin < bytes.size(); begin += piece) tell(parser.put(bytes.substr(begin, piece)));
  tell(parser.finish());
  return story;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  ChannelParser::Options options;
  options.opening =
      std::array{melete::Opening::free, melete::Opening::reasoning, melete::Opening::answer}[data[0] % 3];
  options.bare_is_reasoning = (data[0] & 4) != 0;
  ChannelParser whole(options);
  const std::string expected = told(whole, bytes, std::max<size_t>(bytes.size(), 1));
  for (const size_t piece : {size_t{1}, size_t{1} + (data[0] >> 3)}) {
    ChannelParser parser(options);
    MELETE_CHECK(told(parser, bytes, piece) == expected, "pieces of ", piece);
  }
  return 0;
}
