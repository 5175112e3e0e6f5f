#include "bridges/split_text.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

namespace melete {
namespace {

std::string repeated(std::string_view piece, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += piece;
  return all;
}

std::string without_blanks(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n' || c == '\t'; });
  return text;
}

TEST(SplitText, CountsAsTelegramDoes) {
  EXPECT_EQ(utf16_units("abc"), 3u);
  EXPECT_EQ(utf16_units("\u00e4\u20ac"), 2u);
  EXPECT_EQ(utf16_units("\U0001F600"), 2u);
}

TEST(SplitText, CutsWhereItHurtsLeast) {
  const std::string a = repeated("a", 70), b = repeated("b", 70);
  EXPECT_EQ(split_text("  short\n", 100), (std::vector<std::string>{"short"}));
  EXPECT_EQ(split_text(a + "\n\n" + b, 100), (std::vector<std::string>{a, b}));
  EXPECT_EQ(split_text(a + " x\n" + b, 100), (std::vector<std::string>{a + " x", b}));
  EXPECT_EQ(split_text(a + ". x " + b, 100), (std::vector<std::string>{a + ".", "x " + b}));
  EXPECT_EQ(split_text(a + " " + b, 100), (std::vector<std::string>{a, b}));
  EXPECT_EQ(split_text(" \n\t", 100), std::vector<std::string>{});
}

TEST(SplitText, NeverCutsACharacter) {
  // Emoji of two units each, and a family of people that joiners hold together.
  for (const std::string& part : split_text(repeated("\U0001F600", 130), 101)) {
    EXPECT_LE(utf16_units(part), 101u);
    EXPECT_EQ(part.size() % 4, 0u);
  }
  const std::string family = "\U0001F468\u200D\U0001F469\u200D\U0001F467";
  for (const std::string& part : split_text(repeated(family, 40), 100))
    EXPECT_EQ(part.size() % family.size(), 0u);
}

TEST(SplitText, ClosesAndReopensACodeBlock) {
  const std::string line = "    x = 1  # " + repeated("y", 40) + "\n";
  const auto parts = split_text("Look:\n```python\n" + repeated(line, 8) + "```\nThat is all.", 200);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_TRUE(parts[0].starts_with("Look:\n```python\n    x"));
  EXPECT_TRUE(parts[0].ends_with("\n```")) << parts[0];
  EXPECT_TRUE(parts[1].starts_with("```python\n    x")) << parts[1];
  EXPECT_TRUE(parts[2].ends_with("```\nThat is all.")) << parts[2];
}

TEST(SplitText, KeepsEverythingWithinTheLimitAndGrowsAtItsEnd) {
  rc::check([] {
    const auto words = *rc::gen::container<std::vector<std::string>>(
        rc::gen::element<std::string>("word ", "\n", "\n\n", "\U0001F600", "e\u0301", "Sentence. ", "   ",
                                      "averyverylongwordwithoutanyspacesinitatall", "\u20ac"));
    std::string text;
    for (const std::string& word : words) text += word;
    const auto max = *rc::gen::inRange<size_t>(100, 300);
    const auto parts = split_text(text, max);
    std::string all;
    for (const std::string& part : parts) {
      RC_ASSERT(utf16_units(part) <= max);
      RC_ASSERT(!without_blanks(part).empty());
      all += part;
    }
    RC_ASSERT(without_blanks(all) == without_blanks(text));
    const auto longer = split_text(text + "and so on, for a long while yet", max);
    for (size_t i = 0; i + 1 < parts.size(); ++i) RC_ASSERT(longer[i] == parts[i]);
  });
}

TEST(SplitText, LeavesOnlyWhatCanBeRead) {
  EXPECT_EQ(plain_text("a\x01\x1b[31mb\r\n\tc\x7f"), "a[31mb\n\tc");
  EXPECT_EQ(plain_text("\xC2\x85x\xFF"), "x\uFFFD");
  EXPECT_EQ(plain_text("**bold** <b>&amp;"), "**bold** <b>&amp;");
}

}  // namespace
}  // namespace melete
