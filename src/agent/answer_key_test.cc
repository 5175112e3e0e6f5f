#include "agent/answer_key.h"

#include <gtest/gtest.h>

namespace melete {
namespace {

TEST(AnswerKey, SameAnswersShareAKey) {
  EXPECT_EQ(answer_key("7"), answer_key(" Seven. "));
  EXPECT_EQ(answer_key("7.0"), "7");
  EXPECT_EQ(answer_key("The  Red\nCircle!"), "the red circle");
  EXPECT_EQ(answer_key("120 kcal"), answer_key("120.0 KCAL."));
  EXPECT_EQ(answer_key(R"([{"x_min": 1, "y_min":2}])"), answer_key(R"([{"y_min":2,"x_min":1}])"));
}

TEST(AnswerKey, OtherAnswersDont) {
  EXPECT_NE(answer_key("7"), answer_key("70"));
  EXPECT_NE(answer_key("007"), answer_key("7"));  // spoken digits are a code
  EXPECT_NE(answer_key("red"), answer_key("red circle"));
  EXPECT_EQ(answer_key(" .. "), "");
  EXPECT_EQ(answer_key("[broken"), "[broken");
  EXPECT_EQ(answer_key("1e999"), "1e999");
}

}  // namespace
}  // namespace melete
