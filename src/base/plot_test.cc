#include "base/plot.h"

#include <gtest/gtest.h>

#include <cmath>

namespace melete {
namespace {

TEST(Plot, TicksAreRoundAndInside) {
  EXPECT_EQ(round_ticks(0, 10, 6), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(round_ticks(-3, 3, 3), (std::vector<double>{0}));
  EXPECT_EQ(round_ticks(0, 1, 5).size(), 3u);
  for (const double tick : round_ticks(0.13, 0.87, 5)) EXPECT_NEAR(tick * 10, std::round(tick * 10), 1e-9);
}

TEST(Plot, MapsPointsToTheCornersOfTheAxes) {
  PlotSpec spec;
  spec.series = {{"loss", {0, 10}, {1, 5}}};
  const std::string svg = svg_plot(spec);
  EXPECT_NE(svg.find("points='56.0,278.0 410.0,28.0 '"), std::string::npos) << svg;
}

TEST(Plot, LogScaleLeavesOutWhatHasNoLogarithm) {
  PlotSpec spec;
  spec.log_y = true;
  spec.series = {{"loss", {0, 5, 7, 10}, {1, 0, NAN, 100}}};
  EXPECT_NE(svg_plot(spec).find("points='56.0,278.0 410.0,28.0 '"), std::string::npos);
}

TEST(Plot, LabelsCannotBreakOutOfTheMarkup) {
  PlotSpec spec;
  spec.title = "<script>'x'</script>";
  spec.series = {{"a&b", {1}, {1}}};
  const std::string svg = svg_plot(spec);
  EXPECT_EQ(svg.find("<script>"), std::string::npos);
  EXPECT_NE(svg.find("a&amp;b"), std::string::npos);
}

TEST(Plot, LongSeriesAreThinnedByMeans) {
  PlotSeries series{"long", {}, {}};
  for (int i = 0; i < 100000; ++i) series.x.push_back(i), series.y.push_back(i % 2 ? 1 : 3);
  PlotSpec spec;
  spec.series = {series};
  const std::string svg = svg_plot(spec);
  EXPECT_LT(svg.size(), 20000u);
  spec.series = {};
  EXPECT_NE(svg_plot(spec).find("no data yet"), std::string::npos);
}

}  // namespace
}  // namespace melete
