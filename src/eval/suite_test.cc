#include "eval/suite.h"

#include <gtest/gtest.h>

#include <set>

#include "agent/scripted_engine.h"
#include "text/test_files.h"

namespace melete {
namespace {

// "How much is N?" for N below 3,000: kind odd or even, one in 100 of the test split; level 1 has 30
// questions in all.
class Echo : public Task {
 public:
  TaskInfo info() const override { return {"echo_test", "for tests", "text", 2, {}}; }
  Episode make(uint64_t seed, int level, int num_questions) const override {
    const uint64_t n = level == 0 ? seed : seed % 30 * 100;
    Episode episode;
    episode.context.emplace_back(cat("n\n", n, "\n"));
    for (int i = 0; i < num_questions; ++i) {
      const bool odd = (n + static_cast<uint64_t>(i)) % 2 == 1;
      episode.questions.push_back(
          {cat("How much is ", n, " + ", i, "?"), cat(n % 7), {}, {}, odd ? "odd" : "even"});
    }
    episode.spec_hash = n % 100 == 0 ? 1 : 500;
    return episode;
  }
};
MELETE_REGISTER_TASK("echo_test", Echo);

const Assistant& assistant() {
  static const Assistant made(std::make_unique<ScriptedEngine>(small_tokenizer()),
                              make_chat_format({}, small_tokenizer(), "test").value(), {});
  return made;
}

std::vector<std::string> questions(const Suite& suite) {
  std::vector<std::string> all;
  for (const SuiteItem& item : suite.items) all.push_back(item.question.text);
  return all;
}

TEST(MakeSuite, IsPureDistinctAndOfTheSplit) {
  DrawPlan plan{50, 1000};
  const auto suite = make_suite({"echo_test", 0, "", Split::test}, plan, assistant());
  ASSERT_TRUE(suite.ok()) << suite.error().message;
  ASSERT_EQ(suite->items.size(), 50u);
  const auto again = make_suite({"echo_test", 0, "", Split::test}, plan, assistant());
  EXPECT_EQ(questions(*suite), questions(*again));
  EXPECT_EQ(suite->items[0].question.text, "How much is 1000 + 0?");
  EXPECT_EQ(suite->items[49].question.text, "How much is 5900 + 0?");
  const auto texts = questions(*suite);
  EXPECT_EQ(std::set<std::string>(texts.begin(), texts.end()).size(), 50u);
  plan.first_seed = 1001;
  EXPECT_EQ(questions(*make_suite({"echo_test", 0, "", Split::test}, plan, assistant()))[0],
            "How much is 1100 + 0?");
  plan.count = 3;
  EXPECT_EQ(questions(*make_suite({"echo_test", 0, "", Split::train}, plan, assistant()))[0],
            "How much is 1001 + 0?");
}

TEST(MakeSuite, KeepsToTheKindAndLeavesTheMediumOutOfBlindQuestions) {
  const auto suite = make_suite({"echo_test", 0, "odd", Split::test}, {20, 0}, assistant());
  ASSERT_TRUE(suite.ok()) << suite.error().message;
  for (const SuiteItem& item : suite->items) EXPECT_EQ(item.question.kind, "odd");
  EXPECT_TRUE(suite->has_context);
  const SuiteItem& item = suite->items[0];
  EXPECT_EQ(std::get<TextPart>(item.message.parts[0]).text, "n\n0\n\n" + item.question.text);
  EXPECT_EQ(std::get<TextPart>(item.blind_message.parts[0]).text, item.question.text);
}

TEST(MakeSuite, SmallSplitsGiveWhatTheyHaveAndTinyOnesAreErrors) {
  const auto small = make_suite({"echo_test", 1, "", Split::test}, {500, 0}, assistant());
  ASSERT_TRUE(small.ok()) << small.error().message;
  EXPECT_EQ(small->items.size(), 30u);
  const auto none = make_suite({"echo_test", 0, "no such kind", Split::test}, {500, 0}, assistant());
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().kind, ErrorKind::not_found);
  EXPECT_NE(none.error().message.find("echo_test:no such kind"), std::string::npos);
  EXPECT_FALSE(make_suite({"echo_test", 1, "", Split::dev}, {500, 0}, assistant()).ok());
  EXPECT_FALSE(make_suite({"no_such_task", 0, "", Split::test}, {500, 0}, assistant()).ok());
  EXPECT_FALSE(make_suite({"echo_test", 2, "", Split::test}, {500, 0}, assistant()).ok());
}

TEST(MakeSuite, ShowsProgressAndStops) {
  DrawPlan plan{50, 0};
  int64_t draws = 0, last = 0;
  plan.on_draw = [&](int64_t num_items) { ++draws, last = num_items; };
  plan.stop_requested = [&] { return last >= 7; };
  const auto suite = make_suite({"echo_test", 0, "", Split::test}, plan, assistant());
  ASSERT_FALSE(suite.ok());
  EXPECT_EQ(suite.error().kind, ErrorKind::cancelled);
  EXPECT_GT(draws, 600);
}

TEST(Suite, MajorityIsTheMostFrequentAnswerOfEachKind) {
  Suite suite;
  EXPECT_EQ(suite.majority(), 0);
  const auto add = [&](const char* kind, const char* gold) {
    SuiteItem item;
    item.question.kind = kind;
    item.question.gold = gold;
    suite.items.push_back(item);
  };
  for (const char* gold : {"1", "1", "2"}) add("count", gold);
  for (const char* gold : {"red", "blue"}) add("colour", gold);
  EXPECT_DOUBLE_EQ(suite.majority(), 3.0 / 5);
}

TEST(ParseSuites, NamesTasksKindsAndLevels) {
  const auto specs = parse_suites({"echo_test:odd"}, 100);
  ASSERT_TRUE(specs.ok());
  ASSERT_EQ(specs->size(), 2u);
  EXPECT_EQ((*specs)[1].name(), "echo_test:odd");
  EXPECT_EQ((*specs)[1].level, 1);
  EXPECT_EQ(parse_suites({"echo_test"}, 0)->size(), 1u);
  const auto unknown = parse_suites({"pondering"}, 0);
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message.find("pondering"), std::string::npos);
}

}  // namespace
}  // namespace melete
