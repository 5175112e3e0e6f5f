// Any bytes as what a remote server streams: the same events and text in whatever pieces they come, and an
// end or an error.
#include <algorithm>
#include <string>
#include <string_view>

#include "remote/reply_reader.h"
#include "remote/sse_reader.h"

namespace {

// What the stream says, and how it ends.
std::string told(std::string_view bytes, size_t piece) {
  melete::SseReader events;
  melete::ReplyReader reply;
  std::string reasoning, content, ending;
  const auto add = [&](const melete::ReplyReader::Piece& part) {
    reasoning += part.reasoning;
    content += part.content;
  };
  for (size_t begin = 0; begin < bytes.size() && ending.empty(); begin += piece) {
    const auto whole = events.put(bytes.substr(begin, piece));
    MELETE_CHECK(whole.ok(), "no input is as long as the limit");
    for (const melete::ServerEvent& event : *whole) {
      const auto part = reply.put(event.data);
      if (!part.ok()) {
        MELETE_CHECK(!part.error().message.empty());
        ending = "error";
        break;
      }
      add(*part);
    }
  }
  add(reply.finish());
  for (const auto& call : reply.calls()) content += "\n" + call.name + "(" + call.arguments + ")";
  return melete::cat(reasoning, "\n", content, "\n", ending, reply.is_whole(), reply.finish_reason(), "\n",
                     reply.prompt_tokens.value_or(-1), " ", reply.completion_tokens.value_or(-1), " ",
                     reply.confidence());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = told(bytes, std::max<size_t>(bytes.size(), 1));
  for (const size_t piece : {size_t{1}, size_t{1} + data[0]})
    MELETE_CHECK(told(bytes, piece) == whole, "pieces of ", piece);
  melete::error_text(bytes);
  return 0;
}
