#include "eval/runner.h"

#include <gtest/gtest.h>

#include "agent/test_model.h"
#include "eval/report.h"

namespace melete {
namespace {

class RunnerTest : public ::testing::Test {
 protected:
  RunnerTest() : assistant_(Assistant::load(model_.folder(), 1).value()) {}

  Suite suite(int64_t count) {
    return make_suite({"addition", 0, "", Split::train}, {count, 1}, *assistant_).value();
  }

  const TestModel model_;
  std::unique_ptr<Assistant> assistant_;
};

TEST_F(RunnerTest, BatchesAnswerAsOneByOne) {
  const Suite asked = suite(6);
  for (const char* mode : {"instant", "thinking"}) {
    AskPlan plan;
    plan.mode = mode;
    plan.effort = Effort::low;
    plan.max_answer_tokens = 8;
    plan.batch = 1;
    int64_t answered = 0;
    plan.on_answer = [&] { ++answered; };
    const auto alone = ask_suite(asked, plan, *assistant_);
    ASSERT_TRUE(alone.ok()) << alone.error().message;
    plan.batch = 4;
    const auto together = ask_suite(asked, plan, *assistant_);
    ASSERT_TRUE(together.ok());
    EXPECT_EQ(alone->answers, together->answers) << mode;
    EXPECT_EQ(alone->scores, together->scores);
    EXPECT_EQ(alone->answer_tokens, together->answer_tokens);
    EXPECT_EQ(alone->reasoning_tokens, together->reasoning_tokens);
    EXPECT_EQ(answered, 12);
    EXPECT_GT(alone->answer_tokens, 6);
    EXPECT_EQ(assistant_->services().engine.pages_in_use(), 0);
  }
}

TEST_F(RunnerTest, StopsAndRefusesUnknownModes) {
  const Suite asked = suite(2);
  AskPlan plan;
  plan.stop_requested = [] { return true; };
  EXPECT_EQ(ask_suite(asked, plan, *assistant_).error().kind, ErrorKind::cancelled);
  plan.mode = "pondering";
  EXPECT_EQ(ask_suite(asked, plan, *assistant_).error().kind, ErrorKind::invalid_argument);
}

TEST(Report, IsTheTableOfTheModelCard) {
  SuiteScore score;
  score.spec = {"shapes", 1, "count", Split::test};
  score.count = 4;
  score.majority = 0.25;
  score.instant.scores = {1, 1, 1, 0};
  score.thinking.scores = {1, 1, 1, 1};
  score.thinking.reasoning_tokens = 42;
  EXPECT_EQ(to_markdown({score}),
            "| task | level | n | instant % (95 %) | thinking % (95 %) | blind % | majority % | reasoning "
            "tokens |\n"
            "|---|---|---|---|---|---|---|---|\n"
            "| shapes:count | 1 | 4 | 75.0 (30.1-95.4) | 100.0 (51.0-100.0) | - | 25.0 | 10 |\n");
  const Json row = to_json({score})[0];
  EXPECT_EQ(row["task"], "shapes");
  EXPECT_EQ(row["kind"], "count");
  EXPECT_EQ(row["instant"]["accuracy"], 0.75);
  EXPECT_TRUE(row["blind"].is_null());
  EXPECT_EQ(score.best(), 1.0);
}

}  // namespace
}  // namespace melete
