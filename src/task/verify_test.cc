#include "task/verify.h"

#include <gtest/gtest.h>

namespace melete {
namespace {

TEST(NormalizeAnswer, AcceptsSpellingsOfOneAnswer) {
  EXPECT_EQ(normalize_answer("  Red. "), "red");
  EXPECT_EQ(normalize_answer("\"the  Red\nCircle\"!"), "red circle");
  EXPECT_EQ(normalize_answer("**Yes**"), "yes");
  EXPECT_EQ(normalize_answer("Twenty-five"), "25");
  EXPECT_EQ(normalize_answer("1,234"), "1234");
  EXPECT_EQ(normalize_answer("\xE2\x88\x92"
                             "3"),
            "-3");
  EXPECT_EQ(normalize_answer("3.50"), "3.5");
  EXPECT_EQ(normalize_answer("-0.0"), "0");
  EXPECT_EQ(normalize_answer("007"), "007");
  EXPECT_EQ(normalize_answer("an apple"), "apple");
}

TEST(NormalizeAnswer, ReadsClockTimes) {
  for (const char* text : {"7:30", "07:30", "7:30 PM", "7:30am", "half past seven", "Half past 7."})
    EXPECT_EQ(normalize_answer(text), "7:30") << text;
  EXPECT_EQ(normalize_answer("7 o'clock"), "7:00");
  EXPECT_NE(normalize_answer("7:3"), "7:03");
  EXPECT_EQ(normalize_answer("99:30"), "99:30");
}

TEST(SameAnswer, CountsAUnitOnOneSideOnly) {
  EXPECT_TRUE(same_answer("450", "450 kcal"));
  EXPECT_TRUE(same_answer("450", "450kcal."));
  EXPECT_TRUE(same_answer("5 g", "five grams") || same_answer("5 g", "5"));
  EXPECT_FALSE(same_answer("450", "450 apples"));
  EXPECT_FALSE(same_answer("5 g", "5 kg"));
  EXPECT_FALSE(same_answer("450", "45"));
  EXPECT_FALSE(same_answer("red", "red circle"));
}

TEST(SameAnswer, RefusesEmptyAndHuge) {
  EXPECT_FALSE(same_answer("3", ""));
  EXPECT_FALSE(same_answer("3", " . "));
  EXPECT_FALSE(same_answer("3", std::string(1 << 20, '3')));
  EXPECT_FALSE(same_answer("red", "red" + std::string(5000, ' ')));
}

TEST(ParsePlace, ReadsTokensAndMuseJson) {
  const auto point = parse_place(" <|loc_12|><|loc_40|>. ");
  ASSERT_TRUE(point.has_value());
  EXPECT_FALSE(point->is_box);
  EXPECT_DOUBLE_EQ(point->at[0], 125);
  EXPECT_DOUBLE_EQ(point->at[1], 405);
  const auto box = parse_place("[{\"x_min\":0,\"y_min\":390,\"x_max\":520,\"y_max\":603}]");
  ASSERT_TRUE(box.has_value());
  EXPECT_TRUE(box->is_box);
  EXPECT_DOUBLE_EQ(box->at[3], 603);
  EXPECT_TRUE(parse_place("{\"x\":10,\"y\":990}").has_value());
}

TEST(ParsePlace, RefusesWhatIsNoSinglePlace) {
  for (const char* text : {"", "<|loc_12|>", "<|loc_12|><|loc_40|><|loc_50|>", "<|loc_1x|><|loc_40|>",
                           "<|loc_12|><|loc_40|> here", "<|loc_50|><|loc_40|><|loc_10|><|loc_60|>",
                           "{\"x\":10}", "{\"x\":10,\"y\":1001}", "{\"x\":\"1\",\"y\":2}", "[]", "{",
                           "[{\"x\":1,\"y\":2},{\"x\":1,\"y\":2}]", "12 40"})
    EXPECT_FALSE(parse_place(text).has_value()) << text;
}

TEST(FindsPlace, NeedsHalfTheUnionOrAPointInside) {
  const std::array<double, 4> box = {100, 100, 300, 300};
  EXPECT_DOUBLE_EQ(intersection_over_union(box, box), 1);
  EXPECT_DOUBLE_EQ(intersection_over_union(box, {300, 100, 400, 300}), 0);
  EXPECT_DOUBLE_EQ(intersection_over_union(box, {100, 100, 200, 300}), 0.5);
  EXPECT_TRUE(finds_place("<|loc_10|><|loc_10|><|loc_29|><|loc_29|>", box, true));
  EXPECT_FALSE(finds_place("<|loc_20|><|loc_20|><|loc_39|><|loc_39|>", box, true));
  EXPECT_FALSE(finds_place("<|loc_10|><|loc_10|><|loc_29|><|loc_19|>", box, true));  // 0.43
  EXPECT_TRUE(finds_place("<|loc_25|><|loc_11|>", box, false));
  EXPECT_FALSE(finds_place("<|loc_31|><|loc_11|>", box, false));
  EXPECT_FALSE(finds_place("<|loc_25|><|loc_11|>", box, true));
}

}  // namespace
}  // namespace melete
