#include "media/preprocess.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/random.h"
#include "media/decode.h"
#include "media/hash.h"

namespace melete {
namespace {

const std::string kFolder = std::string(MELETE_SOURCE_DIR) + "/testdata/media/";

const Json& golden() {
  static const Json json = parse_json(read_file(kFolder + "golden.json").value(), "golden.json").value();
  return json;
}

Image pattern(int64_t index, int64_t width, int64_t height) {
  Image image{width, height, {}};
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < 3; ++c)
        image.rgb.push_back(static_cast<uint8_t>((x * 7 + y * 13 + index * 29 + c * 53) % 256));
  return image;
}

Video clip(int64_t frames, double fps, int64_t width, int64_t height) {
  Video video;
  for (int64_t i = 0; i < frames; ++i) {
    video.frames.push_back(pattern(i, width, height));
    video.times_s.push_back(static_cast<double>(i) / fps);
  }
  return video;
}

// Patch rows back to 8-bit pixels of one frame of the first group.
Image unpatch(const Media& media, int64_t frame) {
  Image image{media.grid_w * 14, media.grid_h * 14, {}};
  for (int64_t y = 0; y < image.height; ++y)
    for (int64_t x = 0; x < image.width; ++x)
      for (int64_t c = 0; c < 3; ++c) {
        const int64_t row = y / 14 * media.grid_w + x / 14;
        const float value =
            media.patches[static_cast<size_t>(row * 1176 + frame * 588 + c * 196 + y % 14 * 14 + x % 14)];
        image.rgb.push_back(static_cast<uint8_t>(std::lround(value * 127.5F + 127.5F)));
      }
  return image;
}

void expect_samples(const Media& media, const Json& samples) {
  for (const Json& sample : samples) {
    const size_t at = sample[0].get<size_t>() * 1176 + sample[1].get<size_t>();
    EXPECT_FLOAT_EQ(media.patches.at(at), sample[2].get<float>()) << sample;
  }
}

TEST(Preprocess, ChoosesTheReferencesSizes) {
  for (const Json& row : golden()["sizes"]) {
    const TowerSize size = tower_size(row[0], row[1], row[2]);
    EXPECT_EQ(size.width, row[3].get<int64_t>()) << row;
    EXPECT_EQ(size.height, row[4].get<int64_t>()) << row;
  }
}

TEST(Preprocess, ResizesPhotosAsTheReference) {
  for (const Json& picture : golden()["pictures"]) {
    MediaLimits limits;
    limits.max_image_tokens = picture["max_tokens"];
    const Part input = decode_file(kFolder + picture["file"].get<std::string>()).value();
    const Part expected = decode_file(kFolder + picture["expected"].get<std::string>()).value();
    const auto media = preprocess(std::get<Image>(input), limits).value();
    ASSERT_EQ((std::vector<int64_t>{media->grid_t, media->grid_h, media->grid_w}),
              picture["grid"].get<std::vector<int64_t>>());
    EXPECT_EQ(unpatch(*media, 0).rgb, std::get<Image>(expected).rgb) << picture["file"];
    EXPECT_EQ(unpatch(*media, 1).rgb, std::get<Image>(expected).rgb) << picture["file"];
    expect_samples(*media, picture["samples"]);
  }
}

TEST(Preprocess, SamplesFramesAsTheReference) {
  for (const Json& row : golden()["frames"])
    EXPECT_EQ(sampled_frames(row[0], row[1], {}), row[2].get<std::vector<int64_t>>()) << row;
}

TEST(Preprocess, LaysOutClipsAsTheReference) {
  const Json& expected = golden()["clip"];
  MediaLimits limits;
  limits.max_video_frame_tokens = expected["max_tokens"];
  const auto media =
      preprocess(clip(expected["frames"], expected["fps"], expected["width"], expected["height"]), limits)
          .value();
  ASSERT_EQ((std::vector<int64_t>{media->grid_t, media->grid_h, media->grid_w}),
            expected["grid"].get<std::vector<int64_t>>());
  expect_samples(*media, expected["samples"]);
  const auto times = expected["group_times"].get<std::vector<double>>();
  ASSERT_EQ(media->group_times_s.size(), times.size());
  for (size_t i = 0; i < times.size(); ++i) EXPECT_NEAR(media->group_times_s[i], times[i], 1e-6);
  EXPECT_EQ(media->num_tokens(), media->grid_t * media->grid_h * media->grid_w / 4);
}

TEST(Preprocess, RepeatsTheLastFrameOfAnOddClip) {
  const auto media = preprocess(clip(1, 1.0, 28, 28), {}).value();
  EXPECT_EQ(media->grid_t, 1);
  EXPECT_EQ(unpatch(*media, 0).rgb, pattern(0, 28, 28).rgb);
  EXPECT_EQ(unpatch(*media, 1).rgb, pattern(0, 28, 28).rgb);
}

TEST(Preprocess, TakesTheSameFramesAgainFromWhatItTook) {
  Random random(5);
  for (int i = 0; i < 200; ++i) {
    const int64_t frames = random.integer(2, 2000);
    const double fps = random.uniform(4.0, 60.0);
    const std::vector<int64_t> once = sampled_frames(frames, fps, {});
    if (once.size() < 2) continue;
    const double kept_fps =
        static_cast<double>(once.size() - 1) / (static_cast<double>(once.back() - once.front()) / fps);
    EXPECT_EQ(sampled_frames(static_cast<int64_t>(once.size()), kept_fps, {}).size(), once.size())
        << frames << " " << fps;
  }
}

TEST(Preprocess, KeepsPixelsThatAlreadyFit) {
  const Image image = pattern(3, 168, 56);
  const auto media = preprocess(image, {}).value();
  EXPECT_EQ(unpatch(*media, 0).rgb, image.rgb);
  EXPECT_EQ(media->num_tokens(), 12);
}

TEST(Preprocess, HashesFollowTheTowersInput) {
  const Image image = pattern(3, 56, 56);
  Image other = image;
  other.rgb[100] ^= 1;
  Image wide = image;
  std::swap(wide.width, wide.height);
  wide.width = 112, wide.height = 28;
  const auto hash = [](const auto& input) { return preprocess(input, {}).value()->hash; };
  EXPECT_EQ(hash(image), hash(image));
  EXPECT_NE(hash(image), hash(other));
  EXPECT_NE(hash(image), hash(wide));
  EXPECT_NE(hash(image), hash(Video{{image}, {0.0}}));
  EXPECT_NE(hash(Video{{image, other}, {0.0, 0.5}}), hash(Video{{other, image}, {0.0, 0.5}}));
  EXPECT_NE(hash(Audio{24000, {0.1F}}), hash(Audio{24000, {0.2F}}));
}

TEST(Hash, AgreesWithPublishedValues) {
  const auto hex = [](std::string_view text) {
    return hex_text(hash_bytes({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, 0));
  };
  EXPECT_EQ(hex(""), "00000000000000000000000000000000");
  EXPECT_EQ(hex("The quick brown fox jumps over the lazy dog"), "6c1b07bc7bbc4be347939ac4a93c437a");
}

TEST(Preprocess, PadsAudioToWholeTokens) {
  Audio audio{24000, std::vector<float>(1921, 0.25F)};
  const auto media = preprocess(audio, {}).value();
  ASSERT_EQ(media->waveform.size(), 3840U);
  EXPECT_EQ(media->num_tokens(), 2);
  EXPECT_EQ(media->waveform[1920], 0.25F);
  EXPECT_EQ(media->waveform[1921], 0.0F);
}

TEST(Preprocess, ResamplesWithoutMovingOrDamping) {
  for (const int64_t rate : {8000, 16000, 22050, 44100, 48000}) {
    const double hz = 440.0;
    Audio audio{rate, {}};
    for (int64_t i = 0; i < rate; ++i)
      audio.samples.push_back(0.5F *
                              static_cast<float>(std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) /
                                                          static_cast<double>(rate))));
    const auto media = preprocess(audio, {}).value();
    EXPECT_EQ(media->waveform.size(), 24960U) << rate;
    double worst = 0.0;
    for (size_t i = 2000; i < 22000; ++i)
      worst = std::max(
          worst, std::abs(media->waveform[i] -
                          0.5 * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / 24000.0)));
    EXPECT_LT(worst, 2e-3) << rate;
  }
}

TEST(Preprocess, RefusesWhatItCannotUse) {
  const auto kind = [](const auto& input) {
    const auto result = preprocess(input, {});
    return result.ok() ? std::string("accepted") : name_of(result.error().kind);
  };
  EXPECT_EQ(kind(Image{}), "invalid_argument");
  EXPECT_EQ(kind(Image{2, 2, {1, 2, 3}}), "invalid_argument");
  EXPECT_EQ(kind(pattern(0, 201, 1)), "invalid_argument");
  EXPECT_EQ(kind(pattern(0, 200, 1)), "accepted");
  EXPECT_EQ(kind(Video{}), "invalid_argument");
  EXPECT_EQ(kind(Video{{pattern(0, 28, 28), pattern(0, 28, 56)}, {0.0, 0.5}}), "invalid_argument");
  EXPECT_EQ(kind(Video{{pattern(0, 28, 28), pattern(0, 28, 28)}, {0.5, 0.0}}), "invalid_argument");
  EXPECT_EQ(kind(Audio{}), "invalid_argument");
  EXPECT_EQ(kind(Audio{24000, {NAN}}), "invalid_argument");
  EXPECT_EQ(kind(Audio{0, {0.0F}}), "invalid_argument");
  EXPECT_EQ(kind(Audio{1000, std::vector<float>(601'000)}), "invalid_argument");
}

}  // namespace
}  // namespace melete
