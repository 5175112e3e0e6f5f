#include "remote/sse_reader.h"

#include <gtest/gtest.h>

namespace melete {
namespace {

std::string told(std::string_view stream, size_t piece) {
  SseReader reader;
  std::string story;
  for (size_t at = 0; at < stream.size(); at += piece) {
    const std::vector<ServerEvent> events = reader.put(stream.substr(at, piece)).value();
    for (const ServerEvent& event : events) story += event.name + "[" + event.data + "]";
  }
  return story;
}

TEST(SseReaderTest, ReadsEventsInAnyPieces) {
  const std::string stream =
      "\xef\xbb\xbf: hello\n\ndata: one\n\nevent: named\r\ndata:two\r\ndata:  three\r\n\r\nid: "
      "4\rdata\r\rdata: lost\n";
  for (size_t piece = 1; piece <= stream.size(); ++piece)
    ASSERT_EQ(told(stream, piece), "[one]named[two\n three][]") << piece;
}

TEST(SseReaderTest, AnEventWithoutDataLeavesNoNameBehind) {
  EXPECT_EQ(told("event: a\n\ndata: x\n\n", 3), "[x]");
}

TEST(SseReaderTest, RefusesAnEventWithoutEnd) {
  SseReader reader(100);
  EXPECT_TRUE(reader.put("data: " + std::string(90, 'x') + "\n").ok());
  EXPECT_TRUE(reader.put("data: " + std::string(4, 'x')).ok());
  const auto more = reader.put(std::string(20, 'x'));
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().kind, ErrorKind::corrupt);
}

}  // namespace
}  // namespace melete
