#include "media/speech.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>
#include <thread>

#include "base/file.h"
#include "base/process.h"

namespace melete {
namespace {

class SpeechTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string problem = Speech("").problem(); !problem.empty()) GTEST_SKIP() << problem;
    std::string name = (std::filesystem::temp_directory_path() / "melete_speech_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_))
      if (entry.is_regular_file()) found.push_back(entry.path());
    return found;
  }
  static std::vector<float> samples(Speech& speech, const Utterance& utterance) {
    const auto clip = speech.say(utterance);
    EXPECT_TRUE(clip.ok()) << clip.error().message;
    return (*clip)->samples;
  }

  std::filesystem::path folder_;
  const Utterance kNine{"nine", "en+f2", 160, 50};
};

TEST_F(SpeechTest, CachesChangeNoSample) {
  Speech none(""), first(folder_), second(folder_);
  const auto expected = samples(none, kNine);
  EXPECT_EQ(samples(first, kNine), expected);  // made
  EXPECT_EQ(samples(first, kNine), expected);  // from memory
  EXPECT_EQ(files().size(), 1u);
  EXPECT_EQ(samples(second, kNine), expected);  // from disk
}

TEST_F(SpeechTest, BrokenCacheFilesAreMadeAnew) {
  Speech first(folder_);
  const auto expected = samples(first, kNine);
  const auto path = files().at(0);
  const std::string whole = *read_file(path);
  std::string changed = whole;
  changed[whole.size() / 2] ^= 1;
  for (const std::string& bytes :
       {std::string(), whole.substr(0, 10), whole.substr(0, whole.size() - 2), changed}) {
    ASSERT_TRUE(write_file(path, bytes).ok());
    Speech again(folder_);
    EXPECT_EQ(samples(again, kNine), expected);
    EXPECT_EQ(*read_file(path), whole);
  }
}

TEST_F(SpeechTest, AWholeOtherClipUnderThisNameIsNotTaken) {
  Speech first(folder_), second(folder_);
  samples(first, kNine);
  const auto path = files().at(0);
  const std::string nine = *read_file(path);
  std::filesystem::remove(path);
  const auto four = samples(first, {"four", "en+f2", 160, 50});
  ASSERT_TRUE(write_file(files().at(0), nine).ok());
  EXPECT_EQ(samples(second, {"four", "en+f2", 160, 50}), four);
}

TEST_F(SpeechTest, EverySettingIsHeard) {
  Speech speech("");
  const auto nine = samples(speech, kNine);
  for (const Utterance& other : {Utterance{"five", "en+f2", 160, 50}, Utterance{"nine", "en+m2", 160, 50},
                                 Utterance{"nine", "en+f2", 200, 50}, Utterance{"nine", "en+f2", 160, 70}})
    EXPECT_NE(samples(speech, other), nine) << describe(other);
  EXPECT_LT(samples(speech, {"nine", "en+f2", 220, 50}).size(), nine.size());
  EXPECT_GT(samples(speech, {"nine nine", "en+f2", 160, 50}).size(), nine.size() * 5 / 4);
}

// A known sound keeps its length and loudness: 24 kHz, and no more than 10 ms of silence at either end.
TEST_F(SpeechTest, TrimmedAt24Kilohertz) {
  Speech speech("");
  const auto clip = speech.say(kNine);
  ASSERT_TRUE(clip.ok());
  EXPECT_EQ((*clip)->rate_hz, 24000);
  const auto& x = (*clip)->samples;
  EXPECT_GT(x.size(), 24000u / 5);
  EXPECT_LT(x.size(), 24000u);
  const auto loudest = [&](size_t begin, size_t end) {
    float peak = 0;
    for (size_t i = begin; i < end; ++i) peak = std::max(peak, std::fabs(x[i]));
    return peak;
  };
  EXPECT_GT(loudest(0, x.size()), 0.2f);
  EXPECT_GT(loudest(0, 300), 0.003f);
  EXPECT_GT(loudest(x.size() - 300, x.size()), 0.003f);
}

// A clip lasts as long as the loud part of what espeak-ng writes at its own rate of 22,050 Hz.
TEST_F(SpeechTest, ResamplingKeepsTheTime) {
  const auto raw =
      run_process({"espeak-ng", "-v", kNine.voice, "-s", "160", "-p", "50", "--stdout", kNine.text});
  ASSERT_TRUE(raw.ok());
  int64_t first = -1, last = 0;
  for (size_t i = 44; i + 1 < raw->out.size(); i += 2) {
    const auto sample =
        static_cast<int16_t>(static_cast<uint8_t>(raw->out[i]) | static_cast<uint8_t>(raw->out[i + 1]) << 8);
    if (std::abs(sample) < 131) continue;
    last = static_cast<int64_t>(i / 2);
    if (first < 0) first = last;
  }
  Speech speech("");
  EXPECT_NEAR(static_cast<double>(samples(speech, kNine).size()) / 24000.0,
              static_cast<double>(last - first) / 22050.0 + 0.02, 0.02);
}

TEST_F(SpeechTest, ManyThreadsGetTheSameClips) {
  Speech speech(folder_), alone("");
  std::vector<std::thread> threads;
  std::array<std::vector<float>, 4> heard;
  for (size_t i = 0; i < heard.size(); ++i)
    threads.emplace_back([&, i] { heard[i] = (*speech.say({"two", "en-us+m1", 150, 40}))->samples; });
  for (auto& thread : threads) thread.join();
  for (const auto& each : heard) EXPECT_EQ(each, samples(alone, {"two", "en-us+m1", 150, 40}));
}

TEST_F(SpeechTest, RefusesWhatCannotBeSaid) {
  Speech speech(folder_);
  for (const Utterance& bad :
       {Utterance{"", "en-us", 160, 50}, Utterance{"...", "en-us", 160, 50},
        Utterance{"one", "xx-none", 160, 50}, Utterance{"one", "-h", 160, 50}, Utterance{"one", "", 160, 50},
        Utterance{"one", "en-us", 10, 50}, Utterance{"one", "en-us", 160, 100},
        Utterance{std::string(5000, 'a'), "en-us", 160, 50}}) {
    const auto clip = speech.say(bad);
    ASSERT_FALSE(clip.ok()) << describe(bad);
    EXPECT_EQ(clip.error().kind, ErrorKind::invalid_argument) << clip.error().message;
  }
  EXPECT_TRUE(files().empty());
}

TEST(Speech, AMissingProgramIsNamed) {
  Speech speech("", "no-such-espeak");
  EXPECT_NE(speech.problem().find("install the package espeak-ng"), std::string::npos) << speech.problem();
  const auto clip = speech.say({"one", "en-us", 160, 50});
  ASSERT_FALSE(clip.ok());
  EXPECT_EQ(clip.error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace melete
