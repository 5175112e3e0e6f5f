#include "train/schedule.h"

#include <gtest/gtest.h>

namespace melete {
namespace {

ScheduleConfig config_of(int64_t steps, double decay_share) {
  ScheduleConfig config;
  config.steps = steps;
  config.warmup_steps = 10;
  config.decay_share = decay_share;
  config.final_factor = 0.1;
  return config;
}

TEST(Schedule, WarmsUpStaysAndDecaysToTheFinalFactor) {
  const Schedule schedule(config_of(100, 0.4));
  EXPECT_DOUBLE_EQ(schedule.factor(0), 0.1);
  EXPECT_DOUBLE_EQ(schedule.factor(9), 1.0);
  EXPECT_DOUBLE_EQ(schedule.factor(59), 1.0);
  EXPECT_DOUBLE_EQ(schedule.factor(79), 0.55);
  EXPECT_DOUBLE_EQ(schedule.factor(99), 0.1);
}

TEST(Schedule, ResumingUnchangedChangesNothing) {
  const Schedule schedule(config_of(100, 0.4));
  const Schedule again = Schedule::from_json(schedule.to_json()).value().resumed(config_of(100, 0.4), 70);
  for (int64_t step = 0; step < 100; ++step) EXPECT_EQ(again.factor(step), schedule.factor(step)) << step;
}

TEST(Schedule, ExtendedRunsNeverJumpUp) {
  const Schedule schedule(config_of(100, 0.4));
  const Schedule flat = schedule.resumed(config_of(200, 0.4), 50);
  EXPECT_DOUBLE_EQ(flat.factor(50), 1.0);
  EXPECT_DOUBLE_EQ(flat.factor(119), 1.0);
  EXPECT_DOUBLE_EQ(flat.factor(199), 0.1);
  const Schedule decaying = schedule.resumed(config_of(200, 0.4), 80);
  EXPECT_DOUBLE_EQ(decaying.factor(80), schedule.factor(79));
  EXPECT_DOUBLE_EQ(decaying.factor(199), 0.1);
  for (int64_t step = 81; step < 200; ++step)
    EXPECT_LE(decaying.factor(step), decaying.factor(step - 1)) << step;
  const Schedule sooner = schedule.resumed(config_of(60, 1.0), 50);
  EXPECT_DOUBLE_EQ(sooner.factor(59), 0.1);
  EXPECT_LT(sooner.factor(50), 1.0);
  const Schedule twice = Schedule::from_json(decaying.to_json()).value().resumed(config_of(200, 0.4), 150);
  EXPECT_EQ(twice.factor(170), decaying.factor(170));
}

}  // namespace
}  // namespace melete
