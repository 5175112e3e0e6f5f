#include "task/number_words.h"

#include <gtest/gtest.h>

namespace melete {
namespace {

TEST(NumberWords, SpelledAndReadBack) {
  EXPECT_EQ(spell_number(0), "zero");
  EXPECT_EQ(spell_number(19), "nineteen");
  EXPECT_EQ(spell_number(42), "forty two");
  EXPECT_EQ(spell_number(407), "four hundred seven");
  EXPECT_EQ(spell_number(12'030), "twelve thousand thirty");
  for (int64_t value = 0; value < 2'000; ++value) EXPECT_EQ(read_number(spell_number(value)), value);
  for (int64_t value = 2'000; value <= 999'999; value += 997)
    EXPECT_EQ(read_number(spell_number(value)), value);
}

TEST(NumberWords, ReadsWhatPeopleWrite) {
  EXPECT_EQ(read_number(" 407. "), 407);
  EXPECT_EQ(read_number("-3"), -3);
  EXPECT_EQ(read_number("1,024"), 1024);
  EXPECT_EQ(read_number("12,345,678"), 12'345'678);
  EXPECT_EQ(read_number("Forty-two"), 42);
  EXPECT_EQ(read_number("four hundred and seven"), 407);
  EXPECT_EQ(read_number("one thousand and one"), 1001);
}

TEST(NumberWords, RefusesEverythingElse) {
  for (const char* text : {"", " ", "-", "1,02", ",102", "1,0245", "1024,", "12a", "two three", "hundred",
                           "and", "four hundred and", "two and three", "ten two", "twenty hundred",
                           "zero one", "seven apples", "1234567890123456", "4 0 7"})
    EXPECT_FALSE(read_number(text).has_value()) << text;
  EXPECT_FALSE(read_number(std::string(1'000'000, '1')).has_value());
}

TEST(NumberWords, DigitLists) {
  EXPECT_EQ(spell_digits("407"), "four zero seven");
  for (const char* text : {"407", "4 0 7", "4, 0, 7.", "Four zero seven", "four-zero-7"})
    EXPECT_EQ(read_digits(text), "407") << text;
  for (const char* text : {"", "forty seven", "4 apples", "x"}) EXPECT_EQ(read_digits(text), "") << text;
}

}  // namespace
}  // namespace melete
