#include "train/curriculum.h"

#include <gtest/gtest.h>

#include <map>

namespace melete {
namespace {

CurriculumConfig config_of(int64_t patience) {
  CurriculumConfig config;
  config.bar = 0.8;
  config.window = 20;
  config.patience_steps = patience;
  return config;
}

TEST(Curriculum, StartLevelsAreOpenAtOnceAndAfterALoad) {
  Curriculum before(config_of(0), {{"a", 4}, {"b", 3}});
  Curriculum curriculum(config_of(0), {{"a", 4, 2}, {"b", 3}});
  EXPECT_EQ(curriculum.open_levels(), (OpenLevels{2, 0}));
  ASSERT_TRUE(curriculum.load(before.state()).ok());
  EXPECT_EQ(curriculum.open_levels(), (OpenLevels{2, 0}));
}

TEST(Curriculum, FirstTasksAreTrainedAloneUntilMasteredOrForTheirSteps) {
  CurriculumConfig config = config_of(0);
  config.first_steps = 30;
  for (const bool learns : {true, false}) {
    Curriculum curriculum(config, {{"a", 4, 2, true}, {"b", 3}});
    EXPECT_EQ(curriculum.open_levels(), (OpenLevels{0, -1}));
    int64_t steps = 0;
    for (; curriculum.open_levels()[1] < 0; ++steps) {
      curriculum.observe(0, 0, AnswerKind::instant, learns);
      curriculum.end_step();
      Curriculum resumed(config, curriculum.tasks());
      ASSERT_TRUE(resumed.load(curriculum.state()).ok());
      EXPECT_EQ(resumed.open_levels(), curriculum.open_levels());
      curriculum = resumed;
    }
    EXPECT_EQ(curriculum.open_levels(), (OpenLevels{2, 0}));
    EXPECT_TRUE(learns ? steps < 30 : steps == 30) << steps;
  }
}

TEST(Curriculum, OpensTheNextLevelOnceTheTopOneIsMastered) {
  Curriculum curriculum(config_of(0), {{"a", 2}, {"b", 3}});
  for (int i = 0; i < 40; ++i) {
    curriculum.observe(0, 0, AnswerKind::instant, i % 10 != 0);
    curriculum.observe(1, 0, AnswerKind::instant, i % 2 == 0);
    curriculum.observe(1, 0, AnswerKind::transcript, true);
    curriculum.end_step();
  }
  EXPECT_EQ(curriculum.open_levels(), (OpenLevels{1, 0}));
  EXPECT_NEAR(curriculum.accuracy(0, 0, AnswerKind::instant), 0.9, 0.05);
  for (int i = 0; i < 40; ++i) {
    curriculum.observe(0, 1, AnswerKind::thinking, true);
    curriculum.end_step();
  }
  EXPECT_EQ(curriculum.open_levels()[0], 2) << "all mastered";
}

TEST(Curriculum, AFewLuckyAnswersAreNotEnough) {
  Curriculum curriculum(config_of(0), {{"a", 2}});
  for (int i = 0; i < 9; ++i) curriculum.observe(0, 0, AnswerKind::instant, true);
  curriculum.end_step();
  EXPECT_EQ(curriculum.open_levels()[0], 0);
}

TEST(Curriculum, PatienceOpensWhatIsNeverMastered) {
  Curriculum curriculum(config_of(5), {{"a", 3}});
  for (int i = 0; i < 4; ++i) curriculum.end_step();
  EXPECT_EQ(curriculum.open_levels()[0], 0);
  curriculum.end_step();
  EXPECT_EQ(curriculum.open_levels()[0], 1);
  for (int i = 0; i < 4; ++i) curriculum.end_step();
  EXPECT_EQ(curriculum.open_levels()[0], 1) << "patience begins again";
}

TEST(Curriculum, StateComesBackExactlyAndByName) {
  Curriculum curriculum(config_of(50), {{"a", 2}, {"b", 3}});
  Random random(1);
  const auto drive = [](Curriculum& c, Random& r) {
    for (int i = 0; i < 30; ++i) {
      c.observe(1, 0, AnswerKind::instant, r.chance(0.7));
      c.end_step();
    }
  };
  drive(curriculum, random);
  const Json saved = parse_json(curriculum.state().dump(), "state").value();
  Curriculum again(config_of(50), {{"a", 2}, {"b", 3}});
  ASSERT_TRUE(again.load(saved).ok());
  Random more(2), same(2);
  drive(curriculum, more);
  drive(again, same);
  EXPECT_EQ(curriculum.state(), again.state());

  Curriculum other(config_of(50), {{"b", 3}, {"new", 1}});
  ASSERT_TRUE(other.load(curriculum.state()).ok());
  EXPECT_EQ(other.accuracy(0, 0, AnswerKind::instant), curriculum.accuracy(1, 0, AnswerKind::instant));
  EXPECT_EQ(other.open_levels()[1], 0);
  EXPECT_FALSE(other.load(Json{{"b", 3}}).ok());
}

TEST(Curriculum, ReplaysLowerLevelsInTheirShare) {
  const CurriculumConfig config = config_of(0);
  Random random(7);
  std::map<int32_t, int> drawn;
  for (int i = 0; i < 10000; ++i) ++drawn[pick_level(config, 2, 4, random)];
  EXPECT_NEAR(drawn[2], 6000, 200);
  EXPECT_NEAR(drawn[0], 2000, 200);
  EXPECT_EQ(drawn.count(3), 0u);
  drawn.clear();
  for (int i = 0; i < 10000; ++i) ++drawn[pick_level(config, 4, 4, random)];
  for (int32_t level = 0; level < 4; ++level) EXPECT_NEAR(drawn[level], 2500, 200);
}

}  // namespace
}  // namespace melete
