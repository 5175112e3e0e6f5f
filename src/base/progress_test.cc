#include "base/progress.h"

#include <gtest/gtest.h>

#include <vector>

namespace melete {
namespace {

TEST(Progress, LineShowsShareRateAndTimeLeft) {
  const ProgressState state{"training", "steps", 250, 1000, 50, 5, "loss 1.25"};
  EXPECT_EQ(progress_line(state, 200),
            "training [######..................] 25% 250/1000 steps  5.00/s  0:50, 2:30 left  loss 1.25");
  EXPECT_EQ(progress_line(state, 12), "training [##");
  EXPECT_EQ(progress_line({"reading", "", 7, 0, 61, 0, ""}, 80), "reading 7  1:01");
}

TEST(Progress, DurationsRoundToSeconds) {
  EXPECT_EQ(duration_text(0.4), "0:00");
  EXPECT_EQ(duration_text(59.6), "1:00");
  EXPECT_EQ(duration_text(3723), "1:02:03");
}

struct Screen {
  double now = 100;
  std::vector<std::string> written;
  Progress make(bool terminal, int64_t total, int64_t already_done = 0) {
    return Progress(
        {"work", "", already_done, total, 0, 0, ""}, terminal, 200, [this] { return now; },
        [this](const std::string& text) { written.push_back(text); });
  }
};

TEST(Progress, ATerminalIsRedrawnAtMostTenTimesASecond) {
  Screen screen;
  {
    Progress progress = screen.make(true, 1000);
    for (int i = 1; i <= 1000; ++i) {
      screen.now += 0.001;
      progress.set(i);
    }
    EXPECT_GE(screen.written.size(), 8u);
    EXPECT_LE(screen.written.size(), 10u);
  }
  EXPECT_EQ(screen.written.back(), "\r\x1b[Kwork [########################] 100% 1000/1000  1000/s  0:01\n");
}

TEST(Progress, ALogGetsALineEveryTenSecondsAndTheLastState) {
  Screen screen;
  {
    Progress progress = screen.make(false, 0);
    for (int i = 1; i <= 25; ++i) {
      screen.now += 1;
      progress.add();
    }
  }
  ASSERT_EQ(screen.written.size(), 3u);
  EXPECT_EQ(screen.written[0], "work 10  1.00/s  0:10\n");
  EXPECT_EQ(screen.written[2], "work 25  1.00/s  0:25\n");
}

TEST(Progress, RateIgnoresResumedWorkAndFollowsChanges) {
  Screen screen;
  Progress progress = screen.make(false, 2000, 1000);
  for (int i = 1; i <= 10; ++i) {
    screen.now += 1;
    progress.set(1000 + 10 * i);
  }
  EXPECT_NE(screen.written.back().find(" 10.00/s"), std::string::npos) << screen.written.back();
  for (int i = 1; i <= 100; ++i) {
    screen.now += 1;
    progress.set(1100 + i);
  }
  EXPECT_NE(screen.written.back().find(" 1.00/s"), std::string::npos) << screen.written.back();
}

TEST(Progress, ANoteDoesNotTearTheBar) {
  Screen screen;
  Progress progress = screen.make(true, 10);
  screen.now += 1;
  progress.set(5);
  progress.note("saved");
  ASSERT_EQ(screen.written.size(), 3u);
  EXPECT_EQ(screen.written[1], "\r\x1b[Ksaved\n");
  EXPECT_EQ(screen.written[2], screen.written[0]);
}

}  // namespace
}  // namespace melete
