// Tasks about spoken clips: what is said is what the answers say, and no clip is in two splits.
#include "task/spoken.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "task/number_words.h"

namespace melete {
namespace {

class SpokenTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string problem = Speech::shared().problem(); !problem.empty()) GTEST_SKIP() << problem;
  }
};

SpokenText draw_digit(Random& random, int64_t num_styles) {
  return {spell_digits(cat(random.integer(0, 9))), num_styles};
}

TEST(Spoken, SplitsAreDisjointAndTrainingHearsFewStyles) {
  const SpokenRange range{130, 200, false, 25, 40};
  std::map<Split, std::set<std::string>> specs;
  std::map<Split, int> counts;
  for (uint64_t seed = 0; seed < 20'000; ++seed) {
    Random random(seed);
    const SpokenClip clip = draw_clip(random, range, [](Random& each) { return draw_digit(each, 8); });
    ++counts[split_of(clip)];
    specs[split_of(clip)].insert(describe(clip.utterance));
    const bool held_out_voice =
        clip.utterance.voice.ends_with("+f4") || clip.utterance.voice.ends_with("+m6");
    EXPECT_EQ(held_out_voice, split_of(clip) == Split::hold_out);
  }
  EXPECT_LE(specs[Split::train].size(), 80u);
  for (const Split split : {Split::test, Split::dev, Split::hold_out}) {
    EXPECT_GT(counts[split], 120);
    EXPECT_LT(counts[split], 600);
    EXPECT_GT(specs[split].size(), specs[Split::train].size()) << "unseen clips must vary";
    for (const std::string& spec : specs[split]) EXPECT_FALSE(specs[Split::train].contains(spec)) << spec;
  }
}

// espeak-ng falls back to another voice without a word, so a voice that it doesn't know would go unnoticed.
TEST_F(SpokenTest, EveryVoiceSoundsDifferent) {
  for (const bool all_voices : {false, true}) {
    SpokenRange range;
    range.all_voices = all_voices;
    std::map<std::string, std::vector<float>> clips;
    for (uint64_t seed = 0; seed < 4'000; ++seed) {
      Random random(seed);
      const auto draw = [](Random& each) { return draw_digit(each, 1000); };
      const std::string voice = draw_clip(random, range, draw).utterance.voice;
      if (!clips.contains(voice)) clips[voice] = (*Speech::shared().say({"nine", voice, 160, 50}))->samples;
    }
    EXPECT_EQ(clips.size(), all_voices ? 6u * 13u : 2u * 10u);
    std::set<std::vector<float>> sounds;
    for (const auto& [voice, clip] : clips)
      EXPECT_TRUE(sounds.insert(clip).second) << voice << " sounds like another";
  }
}

TEST_F(SpokenTest, TheClipSaysTheAnswer) {
  const auto task = Registry<Task>::instance().make("spoken_digits");
  for (int level = 0; level < task->info().num_levels; ++level) {
    for (uint64_t seed = 0; seed < 25; ++seed) {
      const Episode episode = task->make(seed, level, 4);
      EXPECT_EQ(split_of(episode), task->split_at(seed, level));
      const std::string listed = read_digits(episode.transcript);
      const std::string said =
          listed.empty() ? std::to_string(read_number(episode.transcript).value()) : listed;
      for (const Question& question : episode.questions) {
        const std::string expected = question.kind == "count"   ? std::to_string(said.size())
                                     : question.kind == "first" ? said.substr(0, 1)
                                     : question.kind == "last"  ? said.substr(said.size() - 1)
                                                                : said;
        EXPECT_EQ(question.gold, expected) << episode.transcript;
        EXPECT_EQ(task->verify(question, "x" + expected), 0.0);
        EXPECT_EQ(task->verify(question, expected + "1"), 0.0);
      }
    }
  }
}

TEST_F(SpokenTest, DigitsMayBeSpelledInManyWays) {
  const auto task = Registry<Task>::instance().make("spoken_digits");
  Question question;
  question.gold = "407";
  for (const char* answer : {"407", "4 0 7", "4, 0, 7.", "four zero seven", "Four hundred seven"})
    EXPECT_EQ(task->verify(question, answer), 1.0) << answer;
  for (const char* answer : {"470", "40", "4 0 7 7", "four seven", ""})
    EXPECT_EQ(task->verify(question, answer), 0.0) << answer;
}

TEST_F(SpokenTest, LengthsAndLevelsOfSound) {
  const auto task = Registry<Task>::instance().make("spoken_digits");
  for (int level = 0; level < task->info().num_levels; ++level) {
    for (uint64_t seed = 100; seed < 120; ++seed) {
      const auto audio = std::get<Audio>(task->make(seed, level).context.at(0));
      EXPECT_EQ(audio.rate_hz, 24000);
      EXPECT_GE(audio.samples.size(), 24000u * 6 / 10);
      EXPECT_LE(audio.samples.size(), 24000u * 3);
      float peak = 0;
      for (const float sample : audio.samples) peak = std::max(peak, std::fabs(sample));
      EXPECT_GE(peak, 0.2f);
      EXPECT_LE(peak, 1.0f);
    }
  }
}

TEST(Spoken, NoiseIsAsLoudAsAskedFor) {
  for (const double snr_db : {0.0, 10.0, 20.0}) {
    Audio clean;
    for (int i = 0; i < 48'000; ++i) clean.samples.push_back(0.1f * std::sin(0.1f * static_cast<float>(i)));
    Audio noisy = clean;
    Random random(7);
    add_noise(random, snr_db, noisy);
    double signal = 0, noise = 0;
    for (size_t i = 0; i < clean.samples.size(); ++i) {
      signal += std::pow(clean.samples[i], 2);
      noise += std::pow(noisy.samples[i] - clean.samples[i], 2);
    }
    EXPECT_NEAR(10 * std::log10(signal / noise), snr_db, 0.5);
  }
}

}  // namespace
}  // namespace melete
