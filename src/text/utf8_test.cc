#include "text/utf8.h"

#include <gtest/gtest.h>

namespace melete {
namespace {

TEST(Utf8Buffer, CuttingAnywhereChangesNothing) {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 \xE2\x82 \xED\xA0\x80 \xFF\xC3";
  const std::string expected = valid_utf8(text);
  EXPECT_EQ(expected,
            "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 \xEF\xBF\xBD\xEF\xBF\xBD "
            "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD \xEF\xBF\xBD\xEF\xBF\xBD");
  for (size_t first = 0; first <= text.size(); ++first) {
    for (size_t second = first; second <= text.size(); ++second) {
      Utf8Buffer buffer;
      std::string out = buffer.put(text.substr(0, first));
      out += buffer.put(text.substr(first, second - first));
      out += buffer.put(text.substr(second));
      EXPECT_EQ(out + buffer.finish(), expected);
    }
  }
}

TEST(Utf8Buffer, HoldsOnlyTheCutCharacter) {
  Utf8Buffer buffer;
  EXPECT_EQ(buffer.put("ab\xE2\x82"), "ab");
  EXPECT_EQ(buffer.put("\xAC"
                       "c"),
            "\xE2\x82\xAC"
            "c");
  EXPECT_EQ(buffer.finish(), "");
}

}  // namespace
}  // namespace melete
