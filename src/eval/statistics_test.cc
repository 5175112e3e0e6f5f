#include "eval/statistics.h"

#include <gtest/gtest.h>

namespace melete {
namespace {

TEST(WilsonInterval, AgreesWithPublishedValues) {
  // Newcombe 1998, table I, method 3: 81/263, 15/148, 0/20, 1/29.
  const auto expect = [](double successes, int64_t trials, double low, double high) {
    const Interval interval = wilson_interval(successes, trials);
    EXPECT_NEAR(interval.low, low, 5e-5) << successes << "/" << trials;
    EXPECT_NEAR(interval.high, high, 5e-5) << successes << "/" << trials;
  };
  expect(81, 263, 0.2553, 0.3662);
  expect(15, 148, 0.0624, 0.1605);
  expect(0, 20, 0.0000, 0.1611);
  expect(1, 29, 0.0061, 0.1718);
}

TEST(WilsonInterval, KnowsNothingWithoutTrials) {
  EXPECT_EQ(wilson_interval(0, 0).low, 0);
  EXPECT_EQ(wilson_interval(0, 0).high, 1);
}

}  // namespace
}  // namespace melete
