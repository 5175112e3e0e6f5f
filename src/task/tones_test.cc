// tones: beeps are found again in the samples, by loudness and by zero crossings.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "task/task.h"

namespace melete {
namespace {

struct Heard {
  double length_s = 0, pitch_hz = 0;
};

// Loud stretches of at least 40 ms, with the number of upward zero crossings of each as its pitch.
std::vector<Heard> listen(const Audio& audio) {
  const size_t window = 120;  // 5 ms
  std::vector<double> energy;
  double loudest = 0;
  for (size_t i = 0; i + window <= audio.samples.size(); i += window) {
    double sum = 0;
    for (size_t j = i; j < i + window; ++j) sum += std::pow(audio.samples[j], 2);
    energy.push_back(sum);
    loudest = std::max(loudest, sum);
  }
  std::vector<Heard> beeps;
  for (size_t begin = 0; begin < energy.size();) {
    size_t end = begin;
    while (end < energy.size() && energy[end] > loudest * 0.1) ++end;
    if (end - begin >= 8) {
      int crossings = 0;
      for (size_t i = begin * window + 1; i < end * window; ++i)
        crossings += audio.samples[i - 1] < 0 && audio.samples[i] >= 0;
      const double length = static_cast<double>((end - begin) * window) / 24000.0;
      beeps.push_back({length, crossings / length});
    }
    begin = end + 1;
  }
  return beeps;
}

TEST(Tones, AnswersCanBeHeard) {
  const auto task = Registry<Task>::instance().make("tones");
  std::map<std::string, int> kinds;
  std::map<std::string, int> directions;
  for (uint64_t seed = 0; seed < 600; ++seed) {
    const Episode episode = task->make(seed, seed % 2 ? 1 : 0, 5);
    if (!episode.hold_out.empty()) continue;
    const auto beeps = listen(std::get<Audio>(episode.context.at(0)));
    ASSERT_FALSE(beeps.empty());
    const auto is_long = [](const Heard& beep) { return beep.length_s > 0.17; };
    for (const Question& question : episode.questions) {
      ++kinds[question.kind];
      if (question.kind == "count") {
        EXPECT_EQ(question.gold, std::to_string(beeps.size())) << seed;
      }
      if (question.kind == "length") {
        EXPECT_EQ(question.gold, is_long(beeps.back()) ? "long" : "short") << seed;
      }
      if (question.kind == "count long") {
        EXPECT_EQ(question.gold, std::to_string(std::count_if(beeps.begin(), beeps.end(), is_long))) << seed;
      }
      if (question.kind == "direction") {
        EXPECT_EQ(question.gold, beeps.back().pitch_hz > beeps.front().pitch_hz ? "higher" : "lower") << seed;
        ++directions[question.gold];
      }
      if (question.kind == "highest") {
        const auto best = std::max_element(beeps.begin(), beeps.end(), [](const Heard& a, const Heard& b) {
          return a.pitch_hz < b.pitch_hz;
        });
        EXPECT_EQ(question.gold, std::to_string(best - beeps.begin() + 1)) << seed;
      }
    }
  }
  for (const auto& [kind, count] : kinds) EXPECT_GT(count, 50) << kind;
  EXPECT_EQ(kinds.size(), 5u);
  EXPECT_NEAR(directions["higher"], directions["lower"], 45);
}

TEST(Tones, ClipsAreShortAndInRange) {
  const auto task = Registry<Task>::instance().make("tones");
  for (int level = 0; level < task->info().num_levels; ++level) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const auto audio = std::get<Audio>(task->make(seed, level).context.at(0));
      EXPECT_GE(audio.samples.size(), 24000u * 6 / 10);
      EXPECT_LE(audio.samples.size(), 24000u * 3);
      for (const float sample : audio.samples) ASSERT_TRUE(sample >= -1.0f && sample <= 1.0f);
    }
  }
}

}  // namespace
}  // namespace melete
